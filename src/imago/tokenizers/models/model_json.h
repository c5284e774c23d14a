// Reading the "model" of tokenizer.json, which holds nearly all of the file.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <memory>

#include "imago/tokenizers/stages.h"

namespace imago::tokenizers {

// Consumes the value: it is read front to back, without a tree of the
// vocabulary and the merges. `file_bytes` bounds how many of those there can
// be. Throws Error kInvalidFile and kUnsupported, and simdjson's own for what
// is no JSON.
std::unique_ptr<Model> read_model(simdjson::ondemand::value json, size_t file_bytes);

}  // namespace imago::tokenizers
