#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "imago/base/json.h"

namespace imago::tokenizers {

// The members of tokenizer_config.json that a tokenizer class knows, with the kind checked.
class ClassOptions {
 public:
  explicit ClassOptions(const Json& config) : config_(config) {}

  // Throw Error kInvalidFile when the member is something else; null counts as absent.
  bool boolean(std::string_view name, bool absent) const;
  std::optional<bool> optional_boolean(std::string_view name) const;
  int64_t integer(std::string_view name, int64_t absent) const;
  std::string text(std::string_view name, std::string_view absent) const;
  // A text, or the content of a token with flags.
  std::string token(std::string_view name, std::string_view absent) const;
  bool has(std::string_view name) const;  // and it is not null

  // SentencePiece's character map in base64; empty where the model has none.
  std::string charsmap;

 private:
  const Json* find(std::string_view name) const;
  const Json& config_;
};

}  // namespace imago::tokenizers
