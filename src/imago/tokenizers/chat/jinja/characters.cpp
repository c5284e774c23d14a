#include "imago/tokenizers/chat/jinja/characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>

#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/text.h"
#include "imago/tokenizers/chat/jinja/unicode_tables.h"

namespace imago::chat::jinja {
namespace {

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

template <size_t N>
bool in_ranges(const Range (&ranges)[N], char32_t c) {
  const Range* range = std::lower_bound(std::begin(ranges), std::end(ranges), c,
                                        [](const Range& r, char32_t value) { return r.last < value; });
  return range != std::end(ranges) && range->first <= c;
}

template <size_t N>
const Casing* find_casing(const Casing (&casings)[N], char32_t c) {
  const Casing* casing = std::lower_bound(std::begin(casings), std::end(casings), c,
                                          [](const Casing& x, char32_t value) { return x.code_point < value; });
  return casing != std::end(casings) && casing->code_point == c ? casing : nullptr;
}

void append(std::string& out, const Casing& casing) {
  for (const char32_t* c = casing.mapped; *c != 0; ++c) append_utf8(out, *c);
}

void append_upper(std::string& out, char32_t c) {
  if (const Casing* casing = find_casing(kUpperCasings, c)) return append(out, *casing);
  append_utf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
}

void append_title(std::string& out, char32_t c) {
  if (const Casing* casing = find_casing(kTitleCasings, c)) return append(out, *casing);
  append_utf8(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
}

bool is_case_ignorable(char32_t c) {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return c == '\'' || c == '.' || c == ':' || c == 0xB7 || c == 0x2019 || c == 0x2018 || c == 0x2024;
  }
}

// A sigma that ends a word has a form of its own.
bool is_final_sigma(const std::u32string& text, size_t i) {
  size_t before = i, after = i + 1;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

void append_lower(std::string& out, const std::u32string& text, size_t i) {
  char32_t c = text[i];
  if (c == 0x130) {
    out += "i\xCC\x87";
  } else if (c == 0x3A3) {
    append_utf8(out, is_final_sigma(text, i) ? 0x3C2 : 0x3C3);
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

std::u32string decode(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  while (!text.empty()) {
    auto [c, size] = decode_utf8(text);
    result += c;
    text.remove_prefix(static_cast<size_t>(size));
  }
  return result;
}

template <typename Map>
std::string map_ascii(std::string_view text, Map map) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), map);
  return result;
}

char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

bool is_space(char32_t c) {
  if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_decimal(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }
bool is_digit(char32_t c) { return is_decimal(c) || in_ranges(kOtherDigits, c); }
bool is_numeric(char32_t c) {
  auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL || kind == UTF8PROC_CATEGORY_NO ||
         in_ranges(kOtherNumeric, c);
}
bool is_alpha(char32_t c) {
  auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL || kind == UTF8PROC_CATEGORY_LT ||
         kind == UTF8PROC_CATEGORY_LM || kind == UTF8PROC_CATEGORY_LO;
}
bool is_lower(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LL || in_ranges(kOtherLower, c); }
bool is_upper(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LU || in_ranges(kOtherUpper, c); }
bool is_title(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LT; }
bool is_cased(char32_t c) { return is_lower(c) || is_upper(c) || is_title(c); }
bool is_alnum(char32_t c) { return is_alpha(c) || is_numeric(c); }

bool is_printable(char32_t c) {
  if (c == ' ') return true;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS: return false;
    default: return true;
  }
}

size_t is_word_character(std::string_view text) {
  if (text.empty()) return 0;
  auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return std::isalnum(first) != 0 || first == '_' ? 1 : 0;
  auto [c, size] = decode_utf8(text);
  return is_alnum(c) ? static_cast<size_t>(size) : 0;
}

std::string_view strip_left(std::string_view text) {
  while (!text.empty()) {
    auto [c, size] = decode_utf8(text);
    if (!is_space(c)) break;
    text.remove_prefix(static_cast<size_t>(size));
  }
  return text;
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    if (!is_space(decode_utf8(text.substr(begin)).code_point)) break;
    text.remove_suffix(text.size() - begin);
  }
  return text;
}

std::string to_upper(std::string_view text) {
  if (is_ascii(text)) return map_ascii(text, ascii_upper);
  std::string out;
  for (char32_t c : decode(text)) append_upper(out, c);
  return out;
}

std::string to_lower(std::string_view text) {
  if (is_ascii(text)) return map_ascii(text, ascii_lower);
  std::u32string characters = decode(text);
  std::string out;
  for (size_t i = 0; i < characters.size(); ++i) append_lower(out, characters, i);
  return out;
}

std::string to_title(std::string_view text) {
  std::u32string characters = decode(text);
  std::string out;
  bool inside = false;
  for (size_t i = 0; i < characters.size(); ++i) {
    if (inside) {
      append_lower(out, characters, i);
    } else {
      append_title(out, characters[i]);
    }
    inside = is_cased(characters[i]);
  }
  return out;
}

std::string to_capitalized(std::string_view text) {
  std::u32string characters = decode(text);
  std::string out;
  for (size_t i = 0; i < characters.size(); ++i) {
    if (i == 0) {
      append_title(out, characters[i]);
    } else {
      append_lower(out, characters, i);
    }
  }
  return out;
}

std::string swap_case(std::string_view text) {
  std::u32string characters = decode(text);
  std::string out;
  for (size_t i = 0; i < characters.size(); ++i) {
    if (is_upper(characters[i])) {
      append_lower(out, characters, i);
    } else if (is_lower(characters[i])) {
      append_upper(out, characters[i]);
    } else {
      append_utf8(out, characters[i]);
    }
  }
  return out;
}

std::string casefold(std::string_view text) {
  utf8proc_uint8_t* folded = nullptr;
  utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &folded, UTF8PROC_CASEFOLD);
  std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(folded, &std::free);
  return size < 0 ? std::string(text) : std::string(reinterpret_cast<const char*>(folded), static_cast<size_t>(size));
}

}  // namespace imago::chat::jinja
