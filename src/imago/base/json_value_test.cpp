#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "imago/base/json.h"

namespace imago {
namespace {

using testing::ElementsAre;

TEST(JsonValue, ListsOfPairsThatBeginWithAStringAreObjects) {
  const Json object = {{"a", 1}, {"b", {1, 2}}, {"c", {{"d", nullptr}}}};
  EXPECT_EQ(dump_json(object), R"({"a": 1, "b": [1, 2], "c": {"d": null}})");
  EXPECT_EQ(dump_json(Json{1, "two", 3.0}), R"([1, "two", 3.0])");
  EXPECT_EQ(dump_json(Json::array({{"a", 1}})), R"([["a", 1]])");
  EXPECT_THROW(Json::object({{"a", 1}, {2, 3}}), JsonError);
}

TEST(JsonValue, IsMadeOfRangesAndMapsAndReadAsThem) {
  const std::vector<int> numbers = {3, 1, 2};
  EXPECT_THAT(Json(numbers).get<std::vector<int64_t>>(), ElementsAre(3, 1, 2));
  EXPECT_EQ(dump_json(Json(std::vector<bool>{true, false})), "[true, false]");
  const std::map<std::string, double> map = {{"x", 1.5}, {"y", 2}};
  EXPECT_EQ((Json(map).get<std::map<std::string, double>>()), map);
}

TEST(JsonValue, ANumberIsAnIntegerOnlyIfItIsOneThatFits) {
  EXPECT_EQ(Json(3.0).get<int64_t>(), 3);
  EXPECT_EQ(Json(3).get<double>(), 3.0);
  EXPECT_THROW(Json(3.5).get<int64_t>(), JsonError);
  EXPECT_THROW(Json(300).get<int8_t>(), JsonError);
  EXPECT_THROW(Json(-1).get<size_t>(), JsonError);
  EXPECT_THROW(Json(1e300).get<int64_t>(), JsonError);
  EXPECT_THROW(Json(true).get<int64_t>(), JsonError);
  EXPECT_THROW(Json(1).get<bool>(), JsonError);
  EXPECT_EQ(Json(UINT64_MAX).get<uint64_t>(), UINT64_MAX);
  EXPECT_THROW(Json(UINT64_MAX).get<int64_t>(), JsonError);
}

TEST(JsonValue, ComparesAsPythonDoes) {
  EXPECT_EQ(Json(1), Json(1.0));
  EXPECT_EQ(Json(uint64_t{1}), Json(1));
  EXPECT_FALSE(Json(UINT64_MAX) == Json(-1));
  EXPECT_EQ(Json({{"a", 1}, {"b", 2}}), Json({{"b", 2}, {"a", 1}}));
  EXPECT_FALSE(Json({{"a", 1}}) == Json({{"a", 1}, {"b", 2}}));
  EXPECT_FALSE(Json("1") == Json(1));
}

TEST(JsonValue, AMemberCanBeSetFromAnother) {
  Json json = {{"old", "a text too long to be stored within the string itself"}};
  for (const char* key : {"b", "c", "d", "e", "f"}) json[key] = json["old"];
  EXPECT_EQ(json.size(), 6);
  EXPECT_EQ(json["f"], json["old"]);
  json = Json(json["f"]);
  EXPECT_TRUE(json.is_string());
}

TEST(JsonValue, MembersAreFoundAddedAndErased) {
  Json json;
  json["a"]["b"] = 1;
  json["list"].push_back(2);
  EXPECT_EQ(dump_json(json), R"({"a": {"b": 1}, "list": [2]})");
  EXPECT_EQ(json.value("none", 7), 7);
  EXPECT_EQ(json.value("none", "text"), "text");
  EXPECT_TRUE(json.find("none") == json.end());
  EXPECT_EQ(json.find("list").key(), "list");
  EXPECT_TRUE(json.erase("a"));
  EXPECT_FALSE(json.erase("a"));
  json.update({{"list", nullptr}, {"z", true}});
  EXPECT_EQ(dump_json(json), R"({"list": null, "z": true})");
}

TEST(JsonValue, WhatIsNotThereIsAnError) {
  const Json json = {{"a", {1, 2}}};
  EXPECT_THROW(json.at("b"), JsonError);
  EXPECT_THROW(json["a"][2], JsonError);
  EXPECT_THROW(json["a"]["b"], JsonError);
  EXPECT_THROW(json.as_array(), JsonError);
  EXPECT_THROW(Json("text").items(), JsonError);
  EXPECT_TRUE(Json().items().empty());
  EXPECT_THROW(Json(5).begin(), JsonError);
  EXPECT_TRUE(Json(5).find("key") == Json(5).end());
}

}  // namespace
}  // namespace imago
