// The files of a checkpoint that its weights are of no use without.
#pragma once

#include <string>
#include <vector>

namespace imago::cli {

// The tokenizer's, the chat template and generation_config.json, as far as the folder has them.
std::vector<std::string> companion_files(const std::string& folder);

}  // namespace imago::cli
