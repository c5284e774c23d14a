// Split cuts in blocks, without a list of matches. It must find what applying the behaviour to the list finds.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "imago/base/json.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"
#include "imago/tokenizers/regex.h"

namespace imago::tokenizers {
namespace {

using Pieces = std::vector<std::pair<uint32_t, uint32_t>>;

Pieces pieces_of(PreTokenizedString& string) {
  Pieces pieces;
  string.for_each_block([&](std::span<const PreTokenizedString::Split> splits) {
    for (const PreTokenizedString::Split& split : splits) pieces.emplace_back(split.begin, split.end);
  });
  return pieces;
}

struct Cut {
  std::string pattern;
  bool is_regex;
  SplitBehavior behavior;
  bool invert;

  Json json() const {
    Json pattern_json = Json::object();
    pattern_json[is_regex ? "Regex" : "String"] = pattern;
    Json json = Json::object();
    json["type"] = "Split";
    json["pattern"] = pattern_json;
    json["behavior"] = std::string(to_string(behavior));
    json["invert"] = invert;
    return json;
  }
};

void cut_by_list(PreTokenizedString& string, const Cut& cut) {
  const Regex regex = cut.is_regex ? Regex(cut.pattern) : Regex::literal(cut.pattern);
  string.split(
      [&](std::string_view text, std::vector<PatternRange>& ranges) {
        regex.find_ranges(text, ranges);
        for (PatternRange& range : ranges) range.match ^= cut.invert;
      },
      cut.behavior);
}

std::string random_text(std::mt19937& random, size_t size) {
  constexpr std::string_view kCharacters[] = {"a", "b", " ", "  ", "1", "!", "\n", "\u00e9", "\u4e2d"};
  std::string text;
  for (size_t i = 0; i < size; ++i) text += kCharacters[random() % std::size(kCharacters)];
  return text;
}

const std::vector<Cut>& cuts() {
  static const std::vector<Cut> cuts = [] {
    std::vector<Cut> all;
    const std::pair<const char*, bool> kPatterns[] = {
        {"\\s+", true},    {"a|1", true}, {"b*", true},  {"(?<=a)", true}, {"$", true},
        {"\\p{L}+", true}, {"a", false},  {" a", false}, {"zz", false},    {"[^\\s\\p{L}]", true}};
    for (const auto& [pattern, is_regex] : kPatterns) {
      for (const SplitBehavior behavior : {SplitBehavior::kRemoved, SplitBehavior::kIsolated,
                                           SplitBehavior::kMergedWithNext, SplitBehavior::kContiguous}) {
        for (const bool invert : {false, true}) all.push_back({pattern, is_regex, behavior, invert});
      }
    }
    return all;
  }();
  return cuts;
}

TEST(Split, CutsInBlocksAsItWouldFromAList) {
  std::mt19937 random(7);
  for (const Cut& cut : cuts()) {
    const auto split = make_pre_tokenizer(cut.json());
    for (const size_t size : {0, 1, 2, 5, 20, 3000}) {  // the last is of many blocks
      const std::string text = random_text(random, size);
      PreTokenizedString expected(text, false), string(text, false);
      for (PreTokenizedString* each : {&expected, &string}) {
        each->append_original(0, static_cast<uint32_t>(text.size()));
      }
      cut_by_list(expected, cut);
      split->pre_tokenize(string);
      ASSERT_EQ(pieces_of(string), pieces_of(expected)) << dump_json(cut.json()) << " on \"" << text << '"';
    }
  }
}

TEST(Split, CutsWhatAnotherLeft) {
  std::mt19937 random(8);
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_text(random, i % 10 == 0 ? 2000 : 30);
    const auto size = static_cast<uint32_t>(text.size());
    PreTokenizedString expected(text, true), string(text, true);
    for (PreTokenizedString* each : {&expected, &string}) {
      each->append_original(0, 1, 5);  // an added token stays whole
      each->append_original(1, size);
    }
    std::vector<std::unique_ptr<PreTokenizer>> splits;  // they cut when the pieces are asked for
    const size_t depth = 1 + random() % 7;
    for (size_t level = 0; level < depth; ++level) {
      const Cut& cut = cuts()[random() % cuts().size()];
      cut_by_list(expected, cut);
      splits.push_back(make_pre_tokenizer(cut.json()));
      splits.back()->pre_tokenize(string);
    }
    ASSERT_EQ(pieces_of(string), pieces_of(expected)) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace imago::tokenizers
