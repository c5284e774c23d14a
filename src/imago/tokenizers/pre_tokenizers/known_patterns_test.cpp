// The hand-written scanners are proven equal to their regular expressions, on random and adversarial text.
#include "imago/tokenizers/pre_tokenizers/known_patterns.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "imago/base/unicode.h"
#include "imago/tokenizers/regex.h"

namespace imago::tokenizers {
namespace {

std::vector<uint32_t> ends_by_scanner(const KnownPattern& known, std::string_view text) {
  PreTokenizedString string(text, false);
  string.append_original(0, static_cast<uint32_t>(text.size()));
  string.split_at(known.scanner);
  std::vector<uint32_t> ends;
  for (const PreTokenizedString::Split& split : string.splits()) {
    EXPECT_EQ(split.begin, ends.empty() ? 0 : ends.back());
    ends.push_back(split.end);
  }
  return ends;
}

std::vector<uint32_t> ends_by_regex(const Regex& regex, std::string_view text) {
  std::vector<PatternRange> ranges;
  regex.find_ranges(text, ranges);
  std::vector<uint32_t> ends;
  for (const PatternRange& range : ranges) ends.push_back(range.end);
  return ends;
}

// Characters that the patterns tell apart, so that short random strings meet every transition.
std::string random_text(std::mt19937& random) {
  static const std::vector<std::u32string> kKinds = {U" ",
                                                     U"  ",
                                                     U"\n",
                                                     U"\r",
                                                     U"\t",
                                                     U"\u00A0",
                                                     U"\u2028",
                                                     U"\u3000",
                                                     U"\u0085",
                                                     U"\u180E",
                                                     U"\u200B",  // spaces and not
                                                     U"a",
                                                     U"b",
                                                     U"Z",
                                                     U"HELLO",
                                                     U"word",
                                                     U"\u00e9",
                                                     U"\u0130",
                                                     U"\u01C5",
                                                     U"\u02B0",
                                                     U"\u4e2d\u6587",
                                                     U"\u3042\u30A2",
                                                     U"\u17ff",
                                                     U"\u0e2a",
                                                     U"'s",
                                                     U"'S",
                                                     U"'ll",
                                                     U"'LL",
                                                     U"'Re",
                                                     U"'\u017F",
                                                     U"'",
                                                     U"''d",
                                                     U"1",
                                                     U"12",
                                                     U"1234567",
                                                     U"\u00b2",
                                                     U"\u0661",
                                                     U"\u2160",
                                                     U"\u0301",
                                                     U"\u0903",
                                                     U"\u20DD",
                                                     U".",
                                                     U"!?",
                                                     U"/",
                                                     U"//\n",
                                                     U"_",
                                                     U"\u2014",
                                                     U"\u20AC",
                                                     U"+",
                                                     U"\u00B4",
                                                     U"\U0001F600",
                                                     U"\u200D",
                                                     U"\u0000",
                                                     U"\u00AD",
                                                     U"\uE000",
                                                     U"\U00010D50",
                                                     U"\U0001E4F0",
                                                     U"\U00031350",
                                                     U"\u9FA5",
                                                     U"\u9FA6",
                                                     U"\u3040"};
  std::string text;
  const size_t count = std::uniform_int_distribution<size_t>(0, 12)(random);
  for (size_t i = 0; i < count; ++i) {
    if (random() % 8 == 0) {
      append_utf8(text, static_cast<char32_t>(random() % 0x11FFF));  // surrogates become U+FFFD
    } else {
      for (char32_t c : kKinds[random() % kKinds.size()]) append_utf8(text, c);
    }
  }
  return text;
}

TEST(KnownPatterns, EqualTheirRegularExpressionsOnRandomText) {
  for (const KnownPattern& known : known_patterns()) {
    const Regex regex(known.pattern);
    std::mt19937 random(1);
    for (int i = 0; i < 20000; ++i) {
      const std::string text = random_text(random);
      ASSERT_EQ(ends_by_scanner(known, text), ends_by_regex(regex, text)) << known.name << ": \"" << text << '"';
    }
  }
}

TEST(KnownPatterns, EqualTheirRegularExpressionsOnRuns) {
  for (const KnownPattern& known : known_patterns()) {
    const Regex regex(known.pattern);
    for (const char* unit :
         {"a", "A", " ", "\n", "\t ", " \n", "7", "!", "'", "\u0301", "\u4e2d", "aB", "a\u0301", "\u00A0"}) {
      for (const char* tail : {"", "a", "\n", " ", "'s"}) {
        std::string text;
        for (int i = 0; i < 300; ++i) text += unit;
        text += tail;
        ASSERT_EQ(ends_by_scanner(known, text), ends_by_regex(regex, text))
            << known.name << ": 300 times \"" << unit << "\" and \"" << tail << '"';
      }
    }
  }
}

// Cutting a piece into a million and each of those again takes a moment, and would take many minutes if it were not
// linear.
TEST(KnownPatterns, CutManyPiecesAgain) {
  const std::string text(1 << 20, '!');
  const KnownPattern* three_digits = find_known_pattern(R"(\p{N}{1,3})");
  ASSERT_NE(three_digits, nullptr);
  PreTokenizedString string(text, false);
  for (uint32_t i = 0; i < text.size(); ++i) string.append_original(i, i + 1);
  string.split_at(three_digits->scanner);
  string.split_at(three_digits->scanner);
  EXPECT_EQ(string.splits().size(), text.size());
}

}  // namespace
}  // namespace imago::tokenizers
