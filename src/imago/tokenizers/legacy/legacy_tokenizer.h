// Tokenizers from the files there were before tokenizer.json, built of the same stages as those.
#pragma once

#include <optional>
#include <string>

#include "imago/base/json.h"
#include "imago/tokenizers/legacy/special_token_values.h"
#include "imago/tokenizers/legacy/tokenizer_class.h"
#include "imago/tokenizers/pretrained_tokenizer.h"
#include "imago/tokenizers/tokenizer.h"

namespace imago::tokenizers {

struct LegacyTokenizer {
  Tokenizer tokenizer;
  SpecialTokens special_tokens;
};

// Reads the vocabulary of a folder as its tokenizer class does (null: the generic one). Throws Error kNotFound when
// the folder has none of the files.
LegacyTokenizer read_legacy_folder(const std::string& folder, const Json& config, const TokenizerClass* tokenizer_class,
                                   const SpecialTokenValues& values);

// A single file, by its ending: vocab.txt, SentencePiece or tiktoken .model, .tiktoken, .gguf. A SentencePiece model is
// used as its own normalizer says; of a vocab.txt BERT's defaults are assumed.
LegacyTokenizer read_legacy_file(const std::string& path);

}  // namespace imago::tokenizers
