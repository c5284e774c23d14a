#include "imago/tokenizers/legacy/python_text.h"

#include "imago/base/unicode.h"
#include "imago/base/unicode_case.h"

namespace imago::tokenizers {
namespace {

size_t last_character(std::string_view text) {
  size_t last = text.size() - 1;
  while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return last;
}

bool is_cased(char32_t c) {
  const GeneralCategory kind = general_category(c);
  return kind == GeneralCategory::kUppercaseLetter || kind == GeneralCategory::kLowercaseLetter ||
         kind == GeneralCategory::kTitlecaseLetter || c == 0xAA || c == 0xBA || (c >= 0x2B0 && c <= 0x2B8) ||
         (c >= 0x2160 && c <= 0x217F) || (c >= 0x24B6 && c <= 0x24E9);
}

// Word_Break in {MidLetter, MidNumLet, Single_Quote}, or general category Mn, Me, Cf, Lm, Sk (Unicode Standard 3.13).
bool is_case_ignorable(char32_t c) {
  switch (general_category(c)) {
    case GeneralCategory::kNonspacingMark:
    case GeneralCategory::kEnclosingMark:
    case GeneralCategory::kFormat:
    case GeneralCategory::kModifierLetter:
    case GeneralCategory::kModifierSymbol: return true;
    default: break;
  }
  return c == '\'' || c == '.' || c == ':' || c == 0xB7 || c == 0x387 || c == 0x55F || c == 0x5F4 || c == 0x2018 ||
         c == 0x2019 || c == 0x2024 || c == 0x2027 || c == 0xFE13 || c == 0xFE52 || c == 0xFE55 || c == 0xFF07 ||
         c == 0xFF0E || c == 0xFF1A;
}

// A sigma behind a letter with case and before none, what has no say left out.
bool is_final_sigma(std::string_view before, std::string_view behind) {
  bool letter_before = false;
  while (!before.empty()) {
    const size_t last = last_character(before);
    const char32_t c = decode_utf8(before.substr(last)).code_point;
    before = before.substr(0, last);
    if (is_case_ignorable(c)) continue;
    letter_before = is_cased(c);
    break;
  }
  while (letter_before && !behind.empty()) {
    const DecodedCharacter next = decode_utf8(behind);
    behind.remove_prefix(static_cast<size_t>(next.size));
    if (!is_case_ignorable(next.code_point)) return !is_cased(next.code_point);
  }
  return letter_before;
}

constexpr char32_t kSigma = 0x3A3, kFinalSigma = 0x3C2;

// Calls push(character, is_first) for what each character becomes.
template <class Push>
void map_lower(std::string_view text, Push push) {
  char32_t lower[3];
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter character = decode_utf8(text.substr(at));
    const size_t next = at + static_cast<size_t>(character.size);
    if (character.code_point == kSigma && is_final_sigma(text.substr(0, at), text.substr(next))) {
      push(kFinalSigma, true);
    } else {
      const size_t count = imago::lowercase(character.code_point, lower);
      for (size_t i = 0; i < count; ++i) push(lower[i], i == 0);
    }
    at = next;
  }
}

template <class Push>
void map_upper(std::string_view text, Push push) {
  char32_t upper[3];
  while (!text.empty()) {
    const DecodedCharacter character = decode_utf8(text);
    text.remove_prefix(static_cast<size_t>(character.size));
    const size_t count = imago::uppercase(character.code_point, upper);
    for (size_t i = 0; i < count; ++i) push(upper[i], i == 0);
  }
}

}  // namespace

bool is_python_space(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

std::string_view strip(std::string_view text) {
  while (!text.empty()) {
    const DecodedCharacter first = decode_utf8(text);
    if (!is_python_space(first.code_point)) break;
    text.remove_prefix(static_cast<size_t>(first.size));
  }
  while (!text.empty()) {
    const size_t last = last_character(text);
    if (!is_python_space(decode_utf8(text.substr(last)).code_point)) break;
    text = text.substr(0, last);
  }
  return text;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = strip(text); !text.empty(); text = strip(text)) {
    words.push_back(first_word(text));
    text.remove_prefix(words.back().size());
  }
  return words;
}

std::string_view first_word(std::string_view text) {
  text = strip(text);
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter character = decode_utf8(text.substr(at));
    if (is_python_space(character.code_point)) return text.substr(0, at);
    at += static_cast<size_t>(character.size);
  }
  return text;
}

void lowercase_in_context(NormalizedString& string) {
  const std::string old(string.text());
  Transformation transformation(string);
  map_lower(old, [&](char32_t c, bool first) { transformation.push(c, first ? 0 : 1); });
  transformation.finish();
}

void uppercase(NormalizedString& string) {
  const std::string old(string.text());
  Transformation transformation(string);
  map_upper(old, [&](char32_t c, bool first) { transformation.push(c, first ? 0 : 1); });
  transformation.finish();
}

std::string lowercase_in_context(std::string_view text) {
  std::string lower;
  map_lower(text, [&](char32_t c, bool) { append_utf8(lower, c); });
  return lower;
}

std::string uppercase(std::string_view text) {
  std::string upper;
  map_upper(text, [&](char32_t c, bool) { append_utf8(upper, c); });
  return upper;
}

}  // namespace imago::tokenizers
