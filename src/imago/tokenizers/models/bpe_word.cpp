#include "imago/tokenizers/models/bpe_word.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <random>

namespace imago::tokenizers {
namespace {

constexpr uint32_t kEnd = UINT32_MAX;

}  // namespace

void merge_short_word(std::vector<BpeSymbol>& symbols, const MergeTable& merges,
                      std::vector<MergeTable::Merge>& pairs) {
  size_t count = symbols.size();
  if (count < 2) return;
  pairs.resize(count);
  for (size_t i = 0; i + 1 < count; ++i) pairs[i] = merges.find(symbols[i].id, symbols[i + 1].id);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (pairs[i].rank < pairs[best].rank) best = i;
    }
    if (pairs[best].rank == MergeTable::kNoRank) break;
    symbols[best] = {pairs[best].result, symbols[best].size + symbols[best + 1].size};
    --count;
    std::copy(symbols.begin() + static_cast<ptrdiff_t>(best) + 2, symbols.begin() + static_cast<ptrdiff_t>(count) + 1,
              symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
    if (best + 1 < count) {
      std::copy(pairs.begin() + static_cast<ptrdiff_t>(best) + 2, pairs.begin() + static_cast<ptrdiff_t>(count),
                pairs.begin() + static_cast<ptrdiff_t>(best) + 1);
      pairs[best] = merges.find(symbols[best].id, symbols[best + 1].id);
    }
    if (best > 0) pairs[best - 1] = merges.find(symbols[best - 1].id, symbols[best].id);
  }
  symbols.resize(count);
}

void LongWordMerger::offer(uint32_t position, const MergeTable& merges) {
  const Node& left = nodes_[position];
  if (left.next == kEnd) return;
  const MergeTable::Merge merge = merges.find(left.id, nodes_[left.next].id);
  if (merge.rank == MergeTable::kNoRank) return;
  const auto [found, is_new] = buckets_.try_emplace(merge.rank);
  if (is_new) {
    found->second.result = merge.result;
    ranks_.push_back(merge.rank);
    std::push_heap(ranks_.begin(), ranks_.end(), std::greater<>());
  }
  found->second.push(position);
}

// Puts a list back whose rest has to wait.
void LongWordMerger::queue(uint32_t rank, Bucket bucket) {
  const auto [found, is_new] = buckets_.try_emplace(rank);
  if (is_new) {
    found->second = std::move(bucket);
    ranks_.push_back(rank);
    std::push_heap(ranks_.begin(), ranks_.end(), std::greater<>());
    return;
  }
  for (size_t i = bucket.next; i < bucket.positions.size(); ++i) found->second.push(bucket.positions[i]);
}

void LongWordMerger::merge_at(uint32_t position, int32_t result, const MergeTable& merges) {
  Node& left = nodes_[position];
  Node& right = nodes_[left.next];
  left.id = result;
  left.size += right.size;
  right.size = 0;
  left.next = right.next;
  if (left.next != kEnd) nodes_[left.next].previous = position;
  if (left.previous != kEnd) offer(left.previous, merges);
  offer(position, merges);
}

void LongWordMerger::merge(std::vector<BpeSymbol>& symbols, const MergeTable& merges) {
  const auto count = static_cast<uint32_t>(symbols.size());
  nodes_.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    nodes_[i] = {symbols[i].id, symbols[i].size, i == 0 ? kEnd : i - 1, i + 1 == count ? kEnd : i + 1};
  }
  buckets_.clear();
  ranks_.clear();
  for (uint32_t i = 0; i < count; ++i) offer(i, merges);
  while (!ranks_.empty()) {
    std::pop_heap(ranks_.begin(), ranks_.end(), std::greater<>());
    const uint32_t rank = ranks_.back();
    ranks_.pop_back();
    const auto found = buckets_.find(rank);
    Bucket bucket = std::move(found->second);
    buckets_.erase(found);
    if (!bucket.sorted) {
      std::sort(bucket.positions.begin() + static_cast<ptrdiff_t>(bucket.next), bucket.positions.end());
      bucket.sorted = true;
    }
    while (bucket.next < bucket.positions.size()) {
      // A merge can bring a pair of lower rank up: then the rest of this list has to wait.
      if (!ranks_.empty() && ranks_.front() <= rank) {
        queue(rank, std::move(bucket));
        break;
      }
      const uint32_t position = bucket.positions[bucket.next++];
      const Node& node = nodes_[position];
      if (node.size == 0 || node.next == kEnd) continue;
      if (merges.find(node.id, nodes_[node.next].id).rank == rank) merge_at(position, bucket.result, merges);
    }
  }
  size_t kept = 0;
  for (const Node& node : nodes_) {
    if (node.size != 0) symbols[kept++] = {node.id, node.size};
  }
  symbols.resize(kept);
}

void merge_with_dropout(std::vector<BpeSymbol>& symbols, const MergeTable& merges, float dropout) {
  thread_local std::mt19937 random{std::random_device{}()};
  std::uniform_real_distribution<float> chance(0.0f, 1.0f);
  struct Candidate {
    uint32_t rank, position;
    int32_t result;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };
  std::vector<uint32_t> next(symbols.size()), previous(symbols.size());
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto offer = [&](uint32_t left) {
    if (left == kEnd || next[left] == kEnd) return;
    const MergeTable::Merge merge = merges.find(symbols[left].id, symbols[next[left]].id);
    if (merge.rank != MergeTable::kNoRank) queue.push({merge.rank, left, merge.result});
  };
  for (uint32_t i = 0; i < symbols.size(); ++i) {
    previous[i] = i == 0 ? kEnd : i - 1;
    next[i] = i + 1 == symbols.size() ? kEnd : i + 1;
  }
  for (uint32_t i = 0; i < symbols.size(); ++i) offer(i);
  std::vector<Candidate> skipped;
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    if (chance(random) < dropout) {
      skipped.push_back(top);
      continue;
    }
    for (const Candidate& candidate : skipped) queue.push(candidate);
    skipped.clear();
    BpeSymbol& left = symbols[top.position];
    if (left.size == 0 || next[top.position] == kEnd) continue;
    BpeSymbol& right = symbols[next[top.position]];
    if (merges.find(left.id, right.id).result != top.result) continue;
    left = {top.result, left.size + right.size};
    right.size = 0;
    next[top.position] = next[next[top.position]];
    if (next[top.position] != kEnd) previous[next[top.position]] = top.position;
    offer(previous[top.position]);
    offer(top.position);
  }
  std::erase_if(symbols, [](const BpeSymbol& symbol) { return symbol.size == 0; });
}

}  // namespace imago::tokenizers
