// Regular expressions against what the reference matches with them.
#include "imago/tokenizers/regex.h"

#include <gtest/gtest.h>

#include "imago/base/error.h"
#include "imago/base/unicode.h"

namespace imago::tokenizers {
namespace {

constexpr std::string_view kCharacters =
    "019 afkszAKZ_-&]\u00e9\u00df\u017f\u212a\u00b2\u4e2d\u00a0\u0301\n.\U0001f499";

std::string matched_characters(const Regex& regex) {
  std::string matched;
  for (std::string_view rest = kCharacters; !rest.empty();) {
    const auto character = rest.substr(0, static_cast<size_t>(decode_utf8(rest).size));
    rest.remove_prefix(character.size());
    std::vector<PatternRange> ranges;
    regex.find_ranges(character, ranges);
    if (ranges.size() == 1 && ranges[0].match) matched += character;
  }
  return matched;
}

TEST(Regex, SetsMatchWhatTheReferenceMatches) {
  struct Case {
    std::string_view pattern, matched;
  };
  const Case cases[] = {
      {R"([\W])", " -&]\u00b2\u00a0\n.\U0001f499"},
      {R"([^\W])", "019afkszAKZ_\u00e9\u00df\u017f\u212a\u4e2d\u0301"},
      {R"(\W)", " -&]\u00a0\n.\U0001f499"},
      {R"([\w&&a-f])", "af"},
      {R"([^\w&&a-f])", "019 kszAKZ_-&]\u00e9\u00df\u017f\u212a\u00b2\u4e2d\u00a0\u0301\n.\U0001f499"},
      {R"([a-f&&b-z&&\D])", "f"},
      {R"([\D1])", "1 afkszAKZ_-&]\u00e9\u00df\u017f\u212a\u00b2\u4e2d\u00a0\u0301\n.\U0001f499"},
      {R"([\H])", " kszKZ_-&]\u00e9\u00df\u017f\u212a\u00b2\u4e2d\u00a0\u0301\n.\U0001f499"},
      {R"([\S ])", "019 afkszAKZ_-&]\u00e9\u00df\u017f\u212a\u00b2\u4e2d\u0301.\U0001f499"},
      {R"([\P{L}a])", "019 a_-&]\u00b2\u00a0\u0301\n.\U0001f499"},
      {R"([\p{^L}a])", "019 a_-&]\u00b2\u00a0\u0301\n.\U0001f499"},
      {R"([[:^alpha:]x])", "019 _-&]\u00b2\u00a0\u0301\n.\U0001f499"},
      {R"([^[:^digit:]])", "019"},
      {R"([a[^b-\x{10ffff}]])", "019 aAKZ_-&]\n."},
      {R"([a-f&&[^f]])", "a"},
      {R"([^a-k&&[^f]])", "019 fszAKZ_-&]\u00e9\u00df\u017f\u212a\u00b2\u4e2d\u00a0\u0301\n.\U0001f499"},
      {R"([a[k[z]]&&[^k]])", "az"},
      {R"((?i)[^k])", "019 afszAZ_-&]\u00e9\u00df\u017f\u00b2\u4e2d\u00a0\u0301\n.\U0001f499"},
      {R"((?i)[a-z&&k])", "kK\u212a"},
      {R"((?i)[s])", "s\u017f"},
      {R"([]a])", "a]"},
      {R"([a-])", "a-"},
      {R"([a-f-k])", "afk-"},
      {R"([&&a])", ""},
      {R"([a&])", "a&"},
      {R"([^\x{0}-\x{10ffff}])", ""},
      {R"([\w-])", "019afkszAKZ_-\u00e9\u00df\u017f\u212a\u4e2d\u0301"},
      {R"([^\S\n])", " \u00a0"},
      {R"(\N)", "019 afkszAKZ_-&]\u00e9\u00df\u017f\u212a\u00b2\u4e2d\u00a0\u0301.\U0001f499"},
      {R"(\O)", "019 afkszAKZ_-&]\u00e9\u00df\u017f\u212a\u00b2\u4e2d\u00a0\u0301\n.\U0001f499"},
      {R"([[:^word:]&&[:^space:]])", "-&]\u00b2.\U0001f499"},
      {R"(\p{Alphabetic})", "afkszAKZ\u00e9\u00df\u017f\u212a\u4e2d"},
  };
  for (const Case& each : cases) EXPECT_EQ(matched_characters(Regex(each.pattern)), each.matched) << each.pattern;
}

TEST(Regex, RefusesWhatItCannotMatchTheSameWay) {
  for (const char* pattern :
       {"(?i:ss)", "(?i:st)", "(?i)fi", "(?i:\u00df)", "(?i)[a\u00df]", "(?i:i\u0307)", "[a-[b]]", "(?~a)", "[\\07]"}) {
    EXPECT_THROW(Regex{pattern}, Error) << pattern;
  }
  for (const char* pattern : {"[", "[]", "[^]", "[z-a]", "[a-\\w]", "[\\d-a]", "[a[]b]", "[[:foo]", "(", ")", "\\"}) {
    EXPECT_THROW(Regex{pattern}, Error) << pattern;
  }
}

}  // namespace
}  // namespace imago::tokenizers
