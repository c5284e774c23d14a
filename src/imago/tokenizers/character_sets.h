// The character sets that the reference's components test for. They stem from Unicode tables of several ages, which
// tools/tokenizers/character_sets.py read off the reference; where one is that of the current Unicode, so is ours.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "imago/base/unicode.h"

namespace imago::tokenizers {

// The general category by the tables of the reference's regex engine (Unicode 16), whatever the linked libraries know.
GeneralCategory category(char32_t code_point);

struct CategoryRange {
  char32_t begin, end;  // with the end
  GeneralCategory category;
};

// Characters that were assigned, or changed, after Unicode 14.
std::span<const CategoryRange> category_additions();
// "Lu", "Nd", ...
std::string_view category_name(GeneralCategory category);

inline bool is_letter(GeneralCategory category) {
  return category >= GeneralCategory::kUppercaseLetter && category <= GeneralCategory::kOtherLetter;
}
inline bool is_mark(GeneralCategory category) {
  return category >= GeneralCategory::kNonspacingMark && category <= GeneralCategory::kEnclosingMark;
}
inline bool is_number(GeneralCategory category) {
  return category >= GeneralCategory::kDecimalNumber && category <= GeneralCategory::kOtherNumber;
}
inline bool is_punctuation(GeneralCategory category) {
  return category >= GeneralCategory::kConnectorPunctuation && category <= GeneralCategory::kOtherPunctuation;
}
inline bool is_symbol(GeneralCategory category) {
  return category >= GeneralCategory::kMathSymbol && category <= GeneralCategory::kOtherSymbol;
}

// What the pre-tokenizers BertPreTokenizer and Punctuation isolate: ASCII punctuation, and a category P of Unicode 8.
bool is_bert_punctuation(char32_t code_point);
// What the pre-tokenizer Digits isolates (Rust's char::is_numeric).
bool is_numeric(char32_t code_point);
// What the normalizer StripAccents removes.
bool is_combining_mark(char32_t code_point);
// What BertNormalizer removes as an accent, and as a control character.
bool is_accent(char32_t code_point);
bool is_control(char32_t code_point);
// \w of the pre-tokenizer Whitespace and of single-word added tokens.
bool is_word(char32_t code_point);

}  // namespace imago::tokenizers
