#include "imago/base/unicode.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <sstream>

#include "imago/base/file.h"

namespace imago {
namespace {

TEST(Unicode, DecodesAndRefusesAsTheStandardSays) {
  EXPECT_EQ(decode_utf8("a").code_point, U'a');
  EXPECT_EQ(decode_utf8("\u00e9").code_point, U'\u00e9');
  EXPECT_EQ(decode_utf8("\U0001F600x").code_point, U'\U0001F600');
  EXPECT_EQ(decode_utf8("\U0001F600x").size, 4);
  // Maximal subparts, table 3-8 of the Unicode Standard: each becomes one U+FFFD.
  EXPECT_EQ(to_valid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA");
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80\x41"), "\uFFFD\uFFFD\uFFFDA");
  EXPECT_EQ(to_valid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), "\uFFFD\uFFFD\uFFFD\uFFFDA");
}

TEST(Unicode, ValidatesUtf8) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("plain, \u00e9\u4e2d\U0001F600 and a spelled-out \uFFFD"));
  for (const char* text : {"\x80", "abc\xE4\xBD", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC1\xBF", "12345678\xFF"}) {
    EXPECT_FALSE(is_valid_utf8(text)) << text;
  }
}

TEST(Unicode, AppendsWhatDecodesAgain) {
  for (char32_t c : {U'\0', U'\x7F', U'\x80', U'\u07FF', U'\u0800', U'\uFFFF', U'\U00010000', U'\U0010FFFF'}) {
    std::string text;
    append_utf8(text, c);
    EXPECT_EQ(decode_utf8(text).code_point, c);
    EXPECT_EQ(static_cast<size_t>(decode_utf8(text).size), text.size());
  }
  std::string surrogate;
  append_utf8(surrogate, 0xD800);
  EXPECT_EQ(surrogate, "\uFFFD");
}

TEST(Unicode, HoldsIncompleteCharactersBack) {
  EXPECT_EQ(incomplete_utf8_suffix(""), 0u);
  EXPECT_EQ(incomplete_utf8_suffix("abc"), 0u);
  EXPECT_EQ(incomplete_utf8_suffix("ab\xC3"), 1u);
  EXPECT_EQ(incomplete_utf8_suffix("ab\xE4\xB8"), 2u);
  EXPECT_EQ(incomplete_utf8_suffix("ab\xF0\x9F\x98"), 3u);
  EXPECT_EQ(incomplete_utf8_suffix("ab\xF0\x9F\x98\x80"), 0u);
  EXPECT_EQ(incomplete_utf8_suffix("ab\xE0\x80"), 0u) << "no character begins so";
  EXPECT_EQ(incomplete_utf8_suffix("ab\x80\x80"), 0u);
}

TEST(Unicode, KnowsPropertiesOfCharacters) {
  EXPECT_EQ(general_category(U'A'), GeneralCategory::kUppercaseLetter);
  EXPECT_EQ(general_category(U'\u0301'), GeneralCategory::kNonspacingMark);
  EXPECT_EQ(general_category(U'\u4e2d'), GeneralCategory::kOtherLetter);
  EXPECT_EQ(general_category(0x110000), GeneralCategory::kUnassigned);
  EXPECT_TRUE(is_white_space(U'\u3000'));
  EXPECT_FALSE(is_white_space(U'\u200B'));
  EXPECT_EQ(combining_class(U'\u0301'), 230);
  EXPECT_EQ(lowercase("\u00c4\u0130\u03a3\U00010D50"), "\u00e4i\u0307\u03c3\U00010D70");
  EXPECT_EQ(first_grapheme_size("e\u0301x"), 3u);
  EXPECT_EQ(first_grapheme_size("\r\nx"), 2u);
}

std::string read_field(const std::string& line, size_t index) {
  std::istringstream fields(line);
  std::string field, text;
  for (size_t i = 0; i <= index; ++i) std::getline(fields, field, ';');
  std::istringstream code_points(field);
  for (std::string code_point; code_points >> code_point;) {
    append_utf8(text, static_cast<char32_t>(std::stoul(code_point, nullptr, 16)));
  }
  return text;
}

// The conformance test of Unicode Standard Annex 15.
TEST(Unicode, NormalFormsPassTheConformanceTest) {
  const std::string path = IMAGO_SOURCE_DIR "/../shared/data/text/unicode/NormalizationTest.txt";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  std::istringstream lines(read_file(path));
  size_t count = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#' || line[0] == '@') continue;
    std::array<std::string, 5> columns;
    for (size_t i = 0; i < columns.size(); ++i) columns[i] = read_field(line, i);
    for (size_t i = 0; i < columns.size(); ++i) {
      const bool canonical = i < 3;
      ASSERT_EQ(normalize(columns[i], NormalForm::kNFC), columns[canonical ? 1 : 3]) << line;
      ASSERT_EQ(normalize(columns[i], NormalForm::kNFD), columns[canonical ? 2 : 4]) << line;
      ASSERT_EQ(normalize(columns[i], NormalForm::kNFKC), columns[3]) << line;
      ASSERT_EQ(normalize(columns[i], NormalForm::kNFKD), columns[4]) << line;
    }
    ++count;
  }
  EXPECT_GT(count, 18000u);
}

}  // namespace
}  // namespace imago
