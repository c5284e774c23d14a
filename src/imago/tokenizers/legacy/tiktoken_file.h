// tiktoken's vocabularies: lines of a token's bytes in base64 and its rank, in a file that says neither how text is
// split nor which special tokens there are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

// The tokens as the bytes they are. Throws Error kInvalidFile naming the line that is anything else or whose token or
// rank another line has.
Vocabulary parse_tiktoken(std::string_view text, std::string_view where);

// Whether the text begins as such a file does (a SentencePiece model may have the same name).
bool looks_like_tiktoken(std::string_view text);

struct TiktokenSpecialToken {
  std::string_view content;
  int32_t id;
  bool special = true;  // Whisper's times are ordinary added tokens
};

// What belongs to an encoding beside its ranks.
struct TiktokenEncoding {
  std::string_view name;
  std::string_view pattern;
  std::span<const TiktokenSpecialToken> special_tokens;
};

// By name ("cl100k_base"); null when it is unknown. Whisper's files are used with several sets of special tokens: those
// of large-v3 and of the English models have the names "whisper_large_v3" and "whisper_english".
const TiktokenEncoding* find_tiktoken_encoding(std::string_view name);

}  // namespace imago::tokenizers
