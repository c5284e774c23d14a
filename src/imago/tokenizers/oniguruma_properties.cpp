#include "imago/tokenizers/oniguruma_properties.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <iterator>

#include "imago/tokenizers/character_sets.h"

namespace imago::tokenizers {
namespace {

// Characters of these categories that the linked PCRE2 may not know yet, as class members.
std::string additions(std::string_view category) {
  std::string members;
  for (const CategoryRange& range : category_additions()) {
    const std::string_view name = category_name(range.category);
    if (name == category || (category.size() == 1 && name[0] == category[0])) {
      members += code_point_escape(range.begin) + "-" + code_point_escape(range.end);
    }
  }
  return members;
}

}  // namespace

std::string code_point_escape(char32_t code_point) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "\\x{%x}", static_cast<unsigned>(code_point));
  return buffer;
}

std::string category_members(std::string_view category) {
  return "\\p{" + std::string(category) + "}" + additions(category);
}

std::string word_members() {
  return "\\p{Alphabetic}" + category_members("M") + category_members("Nd") + category_members("Pc") + additions("L");
}

std::string property_members(const std::string& name, bool bracket) {
  std::string plain;
  for (char c : name) {
    if (c != ' ' && c != '_' && c != '-') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  struct Long {
    std::string_view name, category;
  };
  static constexpr Long kLong[] = {{"letter", "L"},
                                   {"mark", "M"},
                                   {"number", "N"},
                                   {"punctuation", "P"},
                                   {"symbol", "S"},
                                   {"separator", "Z"},
                                   {"other", "C"},
                                   {"uppercaseletter", "Lu"},
                                   {"lowercaseletter", "Ll"},
                                   {"titlecaseletter", "Lt"},
                                   {"modifierletter", "Lm"},
                                   {"otherletter", "Lo"},
                                   {"nonspacingmark", "Mn"},
                                   {"spacingmark", "Mc"},
                                   {"enclosingmark", "Me"},
                                   {"decimalnumber", "Nd"},
                                   {"letternumber", "Nl"},
                                   {"othernumber", "No"},
                                   {"connectorpunctuation", "Pc"},
                                   {"dashpunctuation", "Pd"},
                                   {"openpunctuation", "Ps"},
                                   {"closepunctuation", "Pe"},
                                   {"initialpunctuation", "Pi"},
                                   {"finalpunctuation", "Pf"},
                                   {"otherpunctuation", "Po"},
                                   {"mathsymbol", "Sm"},
                                   {"currencysymbol", "Sc"},
                                   {"modifiersymbol", "Sk"},
                                   {"othersymbol", "So"},
                                   {"spaceseparator", "Zs"},
                                   {"lineseparator", "Zl"},
                                   {"paragraphseparator", "Zp"},
                                   {"control", "Cc"},
                                   {"format", "Cf"},
                                   {"privateuse", "Co"},
                                   {"digit", "Nd"},
                                   {"cntrl", "Cc"}};
  for (const Long& entry : kLong) {
    if (plain == entry.name) return category_members(entry.category);
  }
  // Unicode 16 made the small letters above (U+0363 and on) alphabetic.
  const std::string alphabetic = "\\p{Alphabetic}\\x{363}-\\x{36f}" + additions("L");
  if (plain == "alpha" || plain == "alphabetic") return alphabetic;
  if (plain == "alnum") return alphabetic + category_members("Nd");
  if (plain == "space" || plain == "whitespace") return std::string(kSpaceMembers);
  if (plain == "word") return word_members() + std::string(bracket ? "" : kLatin1NumberMembers);
  if (plain == "upper" || plain == "uppercase") return "\\p{Uppercase}" + additions("Lu");
  if (plain == "lower" || plain == "lowercase") return "\\p{Lowercase}" + additions("Ll");
  if (plain == "punct") return category_members("P") + (bracket ? category_members("S") : "");
  if (plain == "blank") return "\\t" + category_members("Zs");
  if (plain == "graph" || plain == "print") {
    std::string members = plain == "print" ? category_members("Zs") : "";
    for (const char* category : {"L", "M", "N", "P", "S", "Cf", "Co"}) members += category_members(category);
    return members;
  }
  if (plain == "xdigit") return std::string(kHexDigitMembers);
  if (plain.size() <= 2 && !plain.empty()) {
    plain[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(plain[0])));
    return category_members(plain);
  }
  static constexpr std::string_view kBinary[] = {"any",
                                                 "ascii",
                                                 "emoji",
                                                 "emojipresentation",
                                                 "emojimodifier",
                                                 "emojimodifierbase",
                                                 "emojicomponent",
                                                 "extendedpictographic",
                                                 "ideographic",
                                                 "dash",
                                                 "math",
                                                 "diacritic",
                                                 "extender",
                                                 "hexdigit",
                                                 "asciihexdigit",
                                                 "idstart",
                                                 "idcontinue",
                                                 "xidstart",
                                                 "xidcontinue",
                                                 "cased",
                                                 "caseignorable",
                                                 "graphemebase",
                                                 "graphemeextend",
                                                 "defaultignorablecodepoint"};
  if (std::find(std::begin(kBinary), std::end(kBinary), plain) != std::end(kBinary)) return "\\p{" + name + "}";
  // PCRE2's plain script names are about Script_Extensions.
  return "\\p{sc:" + name + "}" + (plain == "han" ? "\\x{2ebf0}-\\x{2ee5d}\\x{31350}-\\x{323af}" : "");
}

}  // namespace imago::tokenizers
