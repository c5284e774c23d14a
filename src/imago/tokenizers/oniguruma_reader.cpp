#include "imago/tokenizers/oniguruma_reader.h"

#include <algorithm>
#include <iterator>

#include "imago/base/unicode.h"
#include "imago/tokenizers/oniguruma_properties.h"

namespace imago::tokenizers {

void OnigurumaReader::fail(std::string_view what) const {
  throw Error(ErrorKind::kInvalidFile, "regex", std::string(what) + " in '" + std::string(pattern_) + "'");
}

void OnigurumaReader::unsupported(std::string_view what) const {
  throw Error(ErrorKind::kUnsupported, "regex", std::string(what) + " in '" + std::string(pattern_) + "'");
}

std::string_view OnigurumaReader::take_character() { return take(static_cast<size_t>(decode_utf8(rest()).size)); }

char32_t OnigurumaReader::code_point(bool unicode) {
  std::string digits;
  const bool braces = take_if("{");
  const size_t most = braces ? 8 : unicode ? 4 : 2;
  while (digits.size() < most && std::isxdigit(static_cast<unsigned char>(peek()))) digits += take(1);
  if (digits.empty() || (braces && !take_if("}"))) fail("a malformed code point");
  const unsigned long value = std::stoul(digits, nullptr, 16);
  if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail("a code point out of range");
  if (!unicode && !braces && value >= 0x80) unsupported("a raw byte");
  return static_cast<char32_t>(value);
}

std::string OnigurumaReader::property(bool& negated) {
  const size_t end = rest().find('}');
  if (peek() != '{' || end == std::string_view::npos) fail("a property without a name");
  std::string name(take(end + 1).substr(1, end - 1));
  if (name.starts_with('^')) {
    negated = !negated;
    name.erase(0, 1);
  }
  if (name.empty()) fail("a property without a name");
  for (char c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != ' ' && c != '-') fail("a malformed property");
  }
  return property_members(name, false);
}

bool folds_to_several(char32_t c) {
  // CaseFolding.txt, status F.
  struct Range {
    char32_t begin, end;
  };
  static constexpr Range kRanges[] = {{0xDF, 0xDF},     {0x130, 0x130},   {0x149, 0x149},   {0x1F0, 0x1F0},
                                      {0x390, 0x390},   {0x3B0, 0x3B0},   {0x587, 0x587},   {0x1E96, 0x1E9A},
                                      {0x1E9E, 0x1E9E}, {0x1F50, 0x1F56}, {0x1F80, 0x1FFC}, {0xFB00, 0xFB17}};
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [&](const Range& range) { return range.begin <= c && c <= range.end; });
}

bool may_fold_together(char32_t first, char32_t second) {
  if (first < 0x80 && second < 0x80) {
    const auto a = static_cast<char>(std::tolower(static_cast<int>(first)));
    const auto b = static_cast<char>(std::tolower(static_cast<int>(second)));
    return (a == 's' && (b == 's' || b == 't')) || (a == 'f' && (b == 'f' || b == 'i' || b == 'l'));
  }
  const bool armenian = first >= 0x531 && first <= 0x587 && second >= 0x531 && second <= 0x587;
  const bool long_s = (first == 0x17F || second == 0x17F);  // an s, too
  return armenian || long_s || (second >= 0x300 && second <= 0x36F) || second == 0x3B9 || second == 0x399 ||
         second == 0x1FBE || second == 0x2BE || first == 0x2BC;
}

}  // namespace imago::tokenizers
