// How byte-level vocabularies in GGUF files split text: the name that "tokenizer.ggml.pre" gives, and the stages of a
// tokenizer.json that it stands for.
#pragma once

#include <optional>
#include <string_view>

#include "imago/base/json.h"

namespace imago::tokenizers {

// Throw Error kUnsupported for a name that is not known. Null is no such stage.
Json gguf_normalizer(std::string_view name);
Json gguf_pre_tokenizer(std::string_view name);
// Whether a word that is a token is that token.
bool gguf_ignores_merges(std::string_view name);

// The name for a tokenizer's stages; of several the one that files have. Where the only name has `ignore_merges` the
// other way it is given all the same: the two differ only for words that are tokens which no merges lead to. Nothing
// where no name says the same.
std::optional<std::string_view> gguf_split_name(const Json& normalizer, const Json& pre_tokenizer, bool ignore_merges);

}  // namespace imago::tokenizers
