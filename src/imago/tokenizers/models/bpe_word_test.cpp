// Long words are merged window by window; the plain definition, one best pair after the other, says what must come out.
#include "imago/tokenizers/models/bpe_word.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace imago::tokenizers {
namespace {

std::vector<int32_t> ids_of(const std::vector<BpeSymbol>& symbols) {
  std::vector<int32_t> ids;
  for (const BpeSymbol& symbol : symbols) ids.push_back(symbol.id);
  return ids;
}

// Rules over whatever tokens there are, in any order: more tangled than what a trainer makes.
MergeTable random_merges(std::mt19937& random, int32_t letters, int32_t rules) {
  std::vector<MergeRule> merges;
  int32_t tokens = letters;
  for (int32_t i = 0; i < rules; ++i) {
    const auto pick = [&] { return static_cast<int32_t>(random() % static_cast<uint32_t>(tokens)); };
    merges.push_back({pick(), pick(), tokens++});
  }
  std::shuffle(merges.begin(), merges.end(), random);
  return MergeTable(merges);
}

TEST(LongWordMerger, EqualsMergingTheBestPairEachTime) {
  std::mt19937 random(1);
  LongWordMerger merger;
  RankLists rank_lists;
  for (int round = 0; round < 400; ++round) {
    const int32_t letters = 1 + static_cast<int32_t>(random() % 4);
    const MergeTable merges = random_merges(random, letters, 1 + static_cast<int32_t>(random() % 60));
    const size_t period = random() % 2 == 0 ? 1 + random() % 7 : SIZE_MAX;
    std::vector<BpeSymbol> word;
    for (size_t size = 1 + random() % 1500; word.size() < size;) {
      const bool repeated = word.size() >= period;
      const int32_t id =
          repeated ? word[word.size() - period].id : static_cast<int32_t>(random() % static_cast<uint32_t>(letters));
      word.push_back({id, 1 + static_cast<uint32_t>(random() % 3)});
    }
    uint32_t bytes = 0;
    for (const BpeSymbol& symbol : word) bytes += symbol.size;
    std::vector<BpeSymbol> expected = word, by_window = word, by_rank = word;
    std::vector<MergeTable::Merge> pairs;
    merge_short_word(expected, merges, pairs);
    merger.merge(by_window, merges);
    rank_lists.merge(by_rank, merges);
    ASSERT_EQ(ids_of(by_window), ids_of(expected)) << "round " << round;
    ASSERT_EQ(ids_of(by_rank), ids_of(expected)) << "round " << round;
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(by_window[i].size, expected[i].size);
    for (const BpeSymbol& symbol : by_window) bytes -= symbol.size;
    ASSERT_EQ(bytes, 0u);
  }
}

}  // namespace
}  // namespace imago::tokenizers
