// The vocabulary that a GGUF file carries in its metadata (keys "tokenizer.ggml.*").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace imago::tokenizers {

struct GgufVocabulary {
  enum class TokenType : int32_t {
    kUndefined = 0,
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6
  };

  std::string architecture;  // "general.architecture"; may be empty in files that hold a vocabulary only
  std::string model;         // "gpt2", "llama", "bert", ...
  std::string pre;           // how text is split, for "gpt2"
  std::vector<std::string_view> tokens;
  std::vector<float> scores;  // empty or as many as tokens
  std::vector<TokenType> token_types;
  std::vector<std::string_view> merges;  // "left right"
  std::string_view precompiled_charsmap;
  std::optional<std::string> chat_template;  // "tokenizer.chat_template"
  std::optional<int32_t> bos_token_id, eos_token_id, unknown_token_id, separator_token_id, padding_token_id,
      cls_token_id, mask_token_id;
  std::optional<bool> add_bos_token, add_eos_token, add_space_prefix, remove_extra_whitespaces;
};

// Reads the metadata of a GGUF file (versions 2 and 3, little-endian); the views point into `bytes`. Throws Error
// kInvalidFile for what is malformed or contradicts itself, kUnsupported for other versions, kLimitExceeded.
GgufVocabulary parse_gguf_vocabulary(std::string_view bytes, std::string_view where);

}  // namespace imago::tokenizers
