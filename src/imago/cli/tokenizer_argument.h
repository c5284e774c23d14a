// What the commands for tokenizers take as a model.
#pragma once

#include <string>

#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago::cli {

// A checkpoint's folder, a Hub id in the cache, or a file: tokenizer.json or an older vocabulary. A file is obeyed as
// written; of a folder, padding and truncation are left to the caller, as in the reference.
// Throws Error kNotFound, and what reading the files throws.
PretrainedTokenizer load_tokenizer(const std::string& model_or_file);

}  // namespace imago::cli
