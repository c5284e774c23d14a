#include <string>

#include "imago/tokenizers/oniguruma_properties.h"

namespace imago::tokenizers {
namespace {

// Grapheme_Cluster_Break, where the general category does not tell it.
constexpr const char* kPrepend =
    "\\p{PCM}\\x{D4E}\\x{111C2}\\x{111C3}\\x{113D1}\\x{1193F}\\x{11941}\\x{11A3A}\\x{11A84}-\\x{11A89}\\x{11D46}\\x{"
    "11F02}";
constexpr const char* kSpacingButNoMark = "\\x{E33}\\x{EB3}";
constexpr const char* kMarkButNotSpacing =
    "\\x{102B}\\x{102C}\\x{1038}\\x{1062}-\\x{1064}\\x{1067}-\\x{106D}\\x{1083}\\x{1087}-\\x{108C}\\x{108F}"
    "\\x{109A}-\\x{109C}\\x{1A61}\\x{1A63}\\x{1A64}\\x{AA7B}\\x{AA7D}\\x{11720}\\x{11721}";
constexpr const char* kFormatButNoControl = "\\x{200C}\\x{200D}\\x{E0020}-\\x{E007F}";
constexpr const char* kReservedControl = "\\x{E0000}-\\x{E001F}\\x{E0080}-\\x{E00FF}\\x{E01F0}-\\x{E0FFF}";
constexpr const char* kLeading = "[\\x{1100}-\\x{115F}\\x{A960}-\\x{A97C}]";
constexpr const char* kVowel = "[\\x{1160}-\\x{11A7}\\x{D7B0}-\\x{D7C6}]";
constexpr const char* kTrailing = "[\\x{11A8}-\\x{11FF}\\x{D7CB}-\\x{D7FB}]";

// Hangul syllables of a consonant and a vowel, which another vowel can follow.
std::string open_syllables() {
  std::string set = "[";
  for (char32_t syllable = 0xAC00; syllable <= 0xD7A3; syllable += 28) set += code_point_escape(syllable);
  return set + "]";
}

std::string build() {
  const std::string prepend = kPrepend, leading = kLeading, vowel = kVowel, trailing = kTrailing;
  const std::string extend =
      "\\p{Grapheme_Extend}\\p{Emoji_Modifier}" + category_members("Mn") + category_members("Me");
  const std::string control = "(?:(?![" + prepend + kFormatButNoControl + "])[\\x{2065}\\x{FFF0}-\\x{FFF8}" +
                              category_members("Cc") + category_members("Cf") + category_members("Zl") +
                              category_members("Zp") + "]|[" + kReservedControl + "])";
  const std::string open = open_syllables();
  const std::string hangul = "(?:" + leading + "*(?:" + open + vowel + "*|(?!" + open + ")[\\x{AC00}-\\x{D7A3}]|" +
                             vowel + "+)" + trailing + "*|" + leading + "+|" + trailing + "+)";
  const std::string pictographs = "\\p{Extended_Pictographic}(?:[" + extend + "]*\\x{200D}\\p{Extended_Pictographic})*";
  const std::string core =
      "(?:" + hangul + "|\\p{Regional_Indicator}{2}|" + pictographs + "|(?!" + control + ")(?s:.))";
  const std::string behind = "(?:[" + extend + "\\x{200C}\\x{200D}" + kSpacingButNoMark + "]|(?![" +
                             kMarkButNotSpacing + "])[" + category_members("Mc") + "])*";
  return "(?>\\r\\n|" + control + "|[" + prepend + "]*" + core + behind + ")";
}

}  // namespace

const std::string& grapheme_cluster() {
  static const std::string pattern = build();
  return pattern;
}

}  // namespace imago::tokenizers
