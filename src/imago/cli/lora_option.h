// How a run file or a flag asks for an adapter.
#pragma once

#include <memory>
#include <string>

#include "imago/base/json.h"
#include "imago/peft/adapter_config.h"

namespace imago::cli {

// What an option says of an adapter: a mapping, its text, or "r=16,lora_alpha=32" with "+" between members of lists.
// Throws Error kInvalidArgument for what is none.
Json read_adapter_keys(const std::string& text, const std::string& where);

// `text` is JSON: an object of PEFT's keys, or one text of them as on the command line, "r=16,lora_alpha=32,
// target_modules=q_proj+v_proj". Without target_modules all linear layers are chosen. `task_type` is PEFT's
// ("CAUSAL_LM"). Throws Error kInvalidArgument where it is neither, and what reading the configuration throws.
std::unique_ptr<peft::AdapterConfig> read_lora_option(const std::string& text, const std::string& task_type);

}  // namespace imago::cli
