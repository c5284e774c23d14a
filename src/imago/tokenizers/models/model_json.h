// Reading the "model" of tokenizer.json, which holds nearly all of the file.
#pragma once

#include <simdjson.h>

#include <memory>

#include "imago/tokenizers/stages.h"

namespace imago::tokenizers {

std::unique_ptr<Model> read_model(simdjson::dom::element json);

}  // namespace imago::tokenizers
