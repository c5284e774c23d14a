// Oniguruma's character types and properties, spelled as members of a PCRE2 class.
#pragma once

#include <string>
#include <string_view>

namespace imago::tokenizers {

inline constexpr std::string_view kSpaceMembers =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
inline constexpr std::string_view kHexDigitMembers = "0-9a-fA-F";
// Oniguruma's \w has six more, the digits and fractions of Latin-1; within a set it has not.
inline constexpr std::string_view kLatin1NumberMembers = R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";

// \x{...}
std::string code_point_escape(char32_t code_point);
// Of a general category ("Lu", "N").
std::string category_members(std::string_view category);
// Of \w within a set.
std::string word_members();
// Of a property's name, as \p{name} or as [[:name:]].
std::string property_members(const std::string& name, bool bracket);

// An extended grapheme cluster (Unicode Standard Annex 29, section 3.1), as \X means it. PCRE2's own \X is another: it
// joins two pictographs, and parts regional indicators from the marks behind them.
const std::string& grapheme_cluster();

}  // namespace imago::tokenizers
