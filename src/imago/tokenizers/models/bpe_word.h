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

// Merges in time linear in the word for each distinct rank: pairs wait in one list per rank. (A heap of all pairs, as
// the reference has, costs a logarithm and a cache miss per pair, and on a megabyte without a split that is most of the
// time.)
class LongWordMerger {
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

// Merges with each chance left out with the given probability (BPE-dropout, Provilkov et al. 2020).
void merge_with_dropout(std::vector<BpeSymbol>& symbols, const MergeTable& merges, float dropout);

}  // namespace imago::tokenizers
