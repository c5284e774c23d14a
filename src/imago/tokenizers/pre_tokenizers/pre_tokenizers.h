// The pre-tokenizers of tokenizer.json, one per file.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "imago/tokenizers/pre_tokenized_string.h"
#include "imago/tokenizers/stage_json.h"
#include "imago/tokenizers/stages.h"

namespace imago::tokenizers {

// Builds the pre-tokenizer that the object describes. Throws Error kInvalidFile, or kUnsupported for an unknown type.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const Json& json);

using MakePreTokenizer = std::unique_ptr<PreTokenizer>(StageJson& json);
MakePreTokenizer make_bert_pre_tokenizer;
MakePreTokenizer make_byte_level_pre_tokenizer;
MakePreTokenizer make_char_delimiter_split;
MakePreTokenizer make_digits;
MakePreTokenizer make_fixed_length;
MakePreTokenizer make_metaspace_pre_tokenizer;
MakePreTokenizer make_punctuation;
MakePreTokenizer make_pre_tokenizer_sequence;
MakePreTokenizer make_split;
MakePreTokenizer make_unicode_scripts;
MakePreTokenizer make_whitespace;
MakePreTokenizer make_whitespace_split;

SplitBehavior read_split_behavior(StageJson& json, std::string_view name);
std::string_view to_string(SplitBehavior behavior);

using Contains = bool (*)(char32_t);

// A set of characters, with the answers for ASCII at hand.
class CharacterSet {
 public:
  explicit CharacterSet(Contains contains) : contains_(contains) {
    for (char32_t c = 0; c < ascii_.size(); ++c) ascii_[c] = contains(c);
  }

  // Appends ranges of characters in the set, each by itself, and what lies between.
  void find(std::string_view text, std::vector<PatternRange>& ranges) const;

 private:
  Contains contains_;
  std::array<bool, 128> ascii_{};
};

// Cuts at characters that are dropped, and makes each of others a piece of its own. Either set may be null: empty.
class CharacterScanner final : public Scanner {
 public:
  CharacterScanner(Contains dropped, Contains isolated);
  uint32_t scan(std::string_view text, uint32_t at, PreTokenizedString::Block& block) const override;

 private:
  enum class Kind : uint8_t { kWord, kDropped, kIsolated };
  Kind kind_of(char32_t character) const;

  Contains dropped_, isolated_;
  std::array<Kind, 128> ascii_{};
};

}  // namespace imago::tokenizers
