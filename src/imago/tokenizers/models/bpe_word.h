// The tokens of one word while byte-pair encoding merges them.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "imago/tokenizers/models/merge_table.h"

namespace imago::tokenizers {

struct BpeSymbol {
  int32_t id;
  uint32_t size;  // bytes of the word
};

// Merges by scanning for the best pair each time, which for a few symbols beats every queue.
void merge_short_word(std::vector<BpeSymbol>& symbols, const MergeTable& merges, std::vector<MergeTable::Merge>& pairs);

// Merges a word of any length by one list of places per rank. (A heap of all pairs, as the reference has, costs a
// logarithm and a cache miss per pair.)
class RankLists {
 public:
  void merge(std::vector<BpeSymbol>& symbols, const MergeTable& merges);

 private:
  void offer(uint32_t position, const MergeTable& merges);
  void merge_at(uint32_t position, int32_t result, const MergeTable& merges);

  struct Node {
    int32_t id;
    uint32_t size;  // 0: merged into its left neighbour
    uint32_t previous, next;
  };
  // The places of one pair; those before `next` are done.
  struct Bucket {
    int32_t result = -1;
    size_t next = 0;
    bool sorted = true;
    std::vector<uint32_t> positions;

    void push(uint32_t position) {
      sorted = sorted && (positions.empty() || positions.back() < position);
      positions.push_back(position);
    }
  };
  void queue(uint32_t rank, Bucket bucket);
  std::vector<Node> nodes_;
  std::unordered_map<uint32_t, Bucket> buckets_;  // by rank
  std::vector<uint32_t> ranks_;                   // a heap of the ranks that have a bucket
};

// Merges a long word window by window, so that time stays linear and everything within the first-level cache.
//
// That is exact: tokens are the encoding of a word if and only if every two neighbours are the encoding of what they
// spell together. For merges go by rank and then from the left, and no merge sees beyond its pair: until the first one
// crosses a boundary between two of the tokens, what happens on its two sides is what would happen there alone, in the
// same order. So two encoded stretches are joined by encoding again a few tokens on both sides of the seam, and more of
// them until the outermost come out as they were: then all neighbours fit.
class LongWordMerger {
 public:
  void merge(std::vector<BpeSymbol>& symbols, const MergeTable& merges);

 private:
  // A token of a stretch: where its first symbol stands in the word, and where the next token begins.
  struct Token {
    int32_t id;
    uint32_t begin, end;
    bool operator==(const Token&) const = default;
  };

  void encode(uint32_t begin, uint32_t end, const MergeTable& merges, std::vector<Token>& tokens);
  bool append(const std::vector<Token>& next, const MergeTable& merges);

  std::vector<BpeSymbol> word_, stretch_;
  std::vector<MergeTable::Merge> pairs_;
  std::vector<Token> tokens_, window_, seam_;
  RankLists rank_lists_;
};

// Merges with each chance left out with the given probability (BPE-dropout, Provilkov et al. 2020).
void merge_with_dropout(std::vector<BpeSymbol>& symbols, const MergeTable& merges, float dropout);

}  // namespace imago::tokenizers
