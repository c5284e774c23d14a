#include "imago/tokenizers/models/bpe_word.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <random>

namespace imago::tokenizers {
namespace {

constexpr uint32_t kEnd = UINT32_MAX;

// Symbols of a window: few enough for scanning, many enough that seams are a small part. Where tokens are long (runs of
// spaces), windows grow, up to a size that stays in the cache.
constexpr uint32_t kWindow = 64, kMaxWindow = 4096;
constexpr size_t kFewTokens = 8;
// Tokens on either side of a seam that are tried first.
constexpr size_t kSeam = 2;
constexpr uint32_t kMaxSeam = 2 * kMaxWindow;  // symbols

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

void RankLists::offer(uint32_t position, const MergeTable& merges) {
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
void RankLists::queue(uint32_t rank, Bucket bucket) {
  const auto [found, is_new] = buckets_.try_emplace(rank);
  if (is_new) {
    found->second = std::move(bucket);
    ranks_.push_back(rank);
    std::push_heap(ranks_.begin(), ranks_.end(), std::greater<>());
    return;
  }
  for (size_t i = bucket.next; i < bucket.positions.size(); ++i) found->second.push(bucket.positions[i]);
}

void RankLists::merge_at(uint32_t position, int32_t result, const MergeTable& merges) {
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

void RankLists::merge(std::vector<BpeSymbol>& symbols, const MergeTable& merges) {
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

// Appends the encoding of the word's symbols [begin, end).
void LongWordMerger::encode(uint32_t begin, uint32_t end, const MergeTable& merges, std::vector<Token>& tokens) {
  stretch_.resize(end - begin);
  // Sizes count symbols here: bytes follow from them at the end.
  for (uint32_t i = begin; i < end; ++i) stretch_[i - begin] = {word_[i].id, 1};
  if (stretch_.size() <= kWindow) {
    merge_short_word(stretch_, merges, pairs_);
  } else {
    rank_lists_.merge(stretch_, merges);
  }
  for (const BpeSymbol& symbol : stretch_) {
    tokens.push_back({symbol.id, begin, begin + symbol.size});
    begin += symbol.size;
  }
}

// Appends the encoding `next` of the symbols that follow. False when the seam reaches so far back that joining window
// by window would not be linear.
bool LongWordMerger::append(const std::vector<Token>& next, const MergeTable& merges) {
  for (size_t left = kSeam, right = kSeam;;) {
    left = std::min(left, tokens_.size());
    right = std::min(right, next.size());
    if (left == 0) break;
    const Token first = tokens_[tokens_.size() - left], last = next[right - 1];
    if (last.begin - first.begin > kMaxSeam) return false;
    seam_.clear();
    encode(first.begin, last.end, merges, seam_);
    const bool left_fits = left == tokens_.size() || seam_.front() == first;
    const bool right_fits = right == next.size() || seam_.back() == last;
    if (left_fits && right_fits) {
      tokens_.resize(tokens_.size() - left);
      tokens_.insert(tokens_.end(), seam_.begin(), seam_.end());
      tokens_.insert(tokens_.end(), next.begin() + static_cast<ptrdiff_t>(right), next.end());
      return true;
    }
    if (!left_fits) left *= 2;
    if (!right_fits) right *= 2;
  }
  tokens_.insert(tokens_.end(), next.begin(), next.end());
  return true;
}

void LongWordMerger::merge(std::vector<BpeSymbol>& symbols, const MergeTable& merges) {
  word_.swap(symbols);
  tokens_.clear();
  const auto size = static_cast<uint32_t>(word_.size());
  uint32_t window = kWindow;
  for (uint32_t begin = 0; begin < size;) {
    const uint32_t end = begin + std::min(window, size - begin);
    window_.clear();
    encode(begin, end, merges, window_);
    if (!append(window_, merges)) {
      symbols.swap(word_);
      rank_lists_.merge(symbols, merges);
      return;
    }
    window = window_.size() < kFewTokens * window / kWindow ? std::min(window * 2, kMaxWindow) : kWindow;
    begin = end;
  }
  symbols.clear();
  for (const Token& token : tokens_) {
    uint32_t bytes = 0;
    for (uint32_t i = token.begin; i < token.end; ++i) bytes += word_[i].size;
    symbols.push_back({token.id, bytes});
  }
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
