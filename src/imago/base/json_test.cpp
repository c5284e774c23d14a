#include "imago/base/json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "imago/base/error.h"

namespace imago {
namespace {

std::string error_of(std::string_view text) {
  try {
    parse_json(text, "test.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Json, KeepsTheOrderOfKeys) {
  EXPECT_EQ(dump_json(parse_json(R"({"b": 1, "a": [true, false, null], "c": {}})", "test")),
            R"({"b": 1, "a": [true, false, null], "c": {}})");
}

TEST(Json, OfEqualKeysTheLastCountsAtThePlaceOfTheFirst) {
  EXPECT_EQ(dump_json(parse_json(R"({"a":1,"b":2,"a":3})", "test")), R"({"a": 3, "b": 2})");
  std::string text = "{";
  for (int i = 0; i < 40; ++i) text += "\"k" + std::to_string(i % 20) + "\":" + std::to_string(i) + ",";
  text.back() = '}';
  Json object = parse_json(text, "test");
  EXPECT_EQ(object.size(), 20U);
  EXPECT_EQ(object.begin().key(), "k0");
  EXPECT_EQ(object["k0"], 20);
}

TEST(Json, ReadsThePythonNumbers) {
  EXPECT_TRUE(std::isnan(parse_json("NaN", "test").get<double>()));
  for (const Json& number : parse_json("[Infinity, -Infinity, 1e999]", "test")) {
    EXPECT_TRUE(std::isinf(number.get<double>()));
  }
  EXPECT_EQ(dump_json(parse_json("[NaN, Infinity, -Infinity]", "test")), "[NaN, Infinity, -Infinity]");
  EXPECT_EQ(parse_json("-9223372036854775808", "test").get<int64_t>(), INT64_MIN);
  EXPECT_EQ(parse_json("18446744073709551615", "test").get<uint64_t>(), UINT64_MAX);
  EXPECT_EQ(dump_json(parse_json("18446744073709551616", "test")), "1.8446744073709552e+19");
  EXPECT_EQ(parse_json("1e-999", "test").get<double>(), 0.0);
  EXPECT_EQ(dump_json(parse_json("-0.0", "test")), "-0.0");
}

TEST(Json, ReadsEscapes) {
  EXPECT_EQ(parse_json(R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")", "test").get<std::string>(),
            "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80");
}

TEST(Json, ErrorsNameTheSourceTheLineAndTheColumn) {
  EXPECT_NE(error_of("{\n  \"a\": 1,\n  }").find("[test.json] a key in double quotes was expected at line 3, column 3"),
            std::string::npos);
  for (std::string_view text : {"",
                                "[1,]",
                                "[1 2]",
                                "{\"a\" 1}",
                                "01",
                                "-",
                                "1.",
                                "1e",
                                "+1",
                                "nul",
                                "\"a",
                                "\"\n\"",
                                "\"\\x\"",
                                "\"\\u12\"",
                                "\"\\ud800\"",
                                "\"\\ud800\\u0041\"",
                                "\"\\udc00\"",
                                "\"\xFF\"",
                                "\"\xC0\x80\"",
                                "\"\xED\xA0\x80\"",
                                "\"\xF4\x90\x80\x80\"",
                                "1 2",
                                "\xEF\xBB\xBF[]",
                                "'a'"}) {
    EXPECT_NE(error_of(text), "no error") << text;
  }
}

TEST(Json, BoundsTheDepth) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(error_of(nested(512)), "no error");
  EXPECT_NE(error_of(nested(513)).find("nested deeper than 512"), std::string::npos);
  EXPECT_NE(error_of(std::string(1000000, '[')).find("nested deeper than 512"), std::string::npos);
}

TEST(Json, ObjectsTakeLinearTime) {
  auto seconds = [](int members) {
    std::string text = "{";
    for (int i = 0; i < members; ++i) text += "\"key" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    text.back() = '}';
    auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(parse_json(text, "test").size(), static_cast<size_t>(members));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  EXPECT_LT(seconds(200000), 3.0);  // a search per key would take minutes
}

// Expected values were written by Python 3.11's json.dumps.
TEST(Json, DumpsAsPythonDoes) {
  Json value =
      parse_json("{\"a\": [1, 2.5, {}], \"\\u00e9\\u007f\": \"\\ud83d\\ude00\\u0001\\n\\\"/\", \"c\": []}", "test");
  EXPECT_EQ(dump_json(value),
            "{\"a\": [1, 2.5, {}], \"\xC3\xA9\x7F\": \"\xF0\x9F\x98\x80\\u0001\\n\\\"/\", \"c\": []}");
  EXPECT_EQ(dump_json(value, -1, true),
            "{\"a\": [1, 2.5, {}], \"\\u00e9\\u007f\": \"\\ud83d\\ude00\\u0001\\n\\\"/\", \"c\": []}");
  EXPECT_EQ(dump_json(value["a"], 2), "[\n  1,\n  2.5,\n  {}\n]");
  EXPECT_EQ(dump_json(parse_json(R"({"a": {"b": [1]}})", "test"), 4),
            "{\n    \"a\": {\n        \"b\": [\n            1\n        ]\n    }\n}");
  EXPECT_EQ(dump_json(value["a"], 0), "[\n1,\n2.5,\n{}\n]");
}

TEST(Json, WritesFloatsAsPythonDoes) {
  struct Case {
    double value;
    const char* text;
  };
  for (const Case& c : std::initializer_list<Case>{{1.0, "1.0"},
                                                   {0.1, "0.1"},
                                                   {1e16, "1e+16"},
                                                   {1e15, "1000000000000000.0"},
                                                   {123456789012345680.0, "1.2345678901234568e+17"},
                                                   {1e-4, "0.0001"},
                                                   {1e-5, "1e-05"},
                                                   {1.5e-7, "1.5e-07"},
                                                   {-0.0, "-0.0"},
                                                   {1e22, "1e+22"},
                                                   {1e100, "1e+100"},
                                                   {5e-324, "5e-324"},
                                                   {123.456, "123.456"},
                                                   {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                   {-2.5, "-2.5"},
                                                   {9007199254740993.0, "9007199254740992.0"},
                                                   {100.0, "100.0"},
                                                   {HUGE_VAL, "inf"},
                                                   {-HUGE_VAL, "-inf"},
                                                   {std::nan(""), "nan"}}) {
    EXPECT_EQ(python_repr(c.value), c.text);
  }
}

}  // namespace
}  // namespace imago
