#include "imago/train/json_rows.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"

namespace imago {
namespace {

using testing::HasSubstr;

TEST(Rows, QuotedFieldsMayHoldAnything) {
  const auto rows = parse_rows("text,label\n\"a, \"\"b\"\"\nc\",1\r\nplain,2\n", "t.csv");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].values.at("text"), "a, \"b\"\nc");
  EXPECT_EQ(rows[0].where, "t.csv:2");
  EXPECT_EQ(rows[1].values.at("label"), "2");
  EXPECT_EQ(rows[1].where, "t.csv:4");
}

TEST(Rows, NameTheLineThatIsNone) {
  const auto error_of = [](std::string_view text, const std::string& path) -> std::string {
    try {
      parse_rows(text, path);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_THAT(error_of("a,b\n1\n", "t.csv"), HasSubstr("t.csv:2"));
  EXPECT_THAT(error_of("a\n\"open\n", "t.csv"), HasSubstr("does not end"));
  EXPECT_THAT(error_of("{\"a\": 1}\n{\n", "t.jsonl"), HasSubstr("t.jsonl:2"));
  EXPECT_THAT(error_of("{\"a\": 1}\n3\n", "t.jsonl"), HasSubstr("t.jsonl:2"));
  EXPECT_THAT(error_of("PAR1", "t.parquet"), HasSubstr("Parquet files are not read"));
}

TEST(Rows, OtherFilesHaveALineEach) {
  const auto rows = parse_rows("one\n\ntwo", "t.txt");
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[0].values.at("text"), "one\n");
  EXPECT_EQ(rows[2].values.at("text"), "two");
}

}  // namespace
}  // namespace imago
