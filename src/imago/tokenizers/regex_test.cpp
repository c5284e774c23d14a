// Regular expressions against what the reference matches with them.
#include "imago/tokenizers/regex.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

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

TEST(Regex, GraphemeClustersAreThoseOfTheReference) {
  struct Case {
    std::string_view text;
    std::vector<uint32_t> sizes;
  };
  const Case cases[] = {
      {"\r\na\n\r", {2, 1, 1, 1}},
      {"e\u0301\u0301x", {5, 1}},
      {"\U0001f600\u00a9\U0001f468", {4, 2, 4}},
      {"\U0001f468\u200d\U0001f469\u0301\u200d\u2764\ufe0f", {22}},
      {"\U0001f1e6\U0001f1e7\U0001f1e6", {8, 4}},
      {"\U0001f1e6\u0301\U0001f1e7", {6, 4}},
      {"\u1100\uac00\u1161\u11a8\u11a8", {15}},
      {"\uac01\u1161", {3, 3}},
      {"\u0600\U0001f600\u0301", {8}},
      {"\u0600\u200b\u0301", {2, 3, 2}},
      {"\u0915\u094d\u0937\u0903", {6, 6}},
      {"a\u0e33\u102b", {4, 3}},
      {"\U000e0418\u0301\u00ad\u200d", {4, 2, 2, 3}},
  };
  const Regex regex(R"(\X)");
  for (const Case& each : cases) {
    std::vector<PatternRange> ranges;
    regex.find_ranges(each.text, ranges);
    std::vector<uint32_t> sizes;
    for (const PatternRange& range : ranges) sizes.push_back(range.end - range.begin);
    EXPECT_EQ(sizes, each.sizes) << each.text;
  }
}

}  // namespace
}  // namespace imago::tokenizers
