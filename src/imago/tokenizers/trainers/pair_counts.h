// How often pairs of neighbouring tokens occur while byte-pair encoding is trained, and in which words.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace imago::tokenizers {

struct TokenPair {
  int32_t left, right;

  bool operator==(const TokenPair&) const = default;
  auto operator<=>(const TokenPair&) const = default;
};

// Open addressing: a pair is looked up four times for each place that is merged, and that is where training spends its
// time.
class PairCounts {
 public:
  PairCounts() : slots_(size_t{1} << 16, kEmpty) {}

  // Words must be added in ascending order until take_grown().
  void add(TokenPair pair, int64_t count, uint32_t word) {
    const uint32_t index = find_or_insert(pair);
    Entry& entry = entries_[index];
    entry.count += count;
    if (entry.words.empty()) grown_.push_back(index);
    if (entry.words.empty() || entry.words.back() != word) entry.words.push_back(word);
  }
  void remove(TokenPair pair, int64_t count) { entries_[find_or_insert(pair)].count -= count; }
  int64_t count(TokenPair pair) { return entries_[find_or_insert(pair)].count; }

  // Calls visit(pair, count, words) for each pair that add() was called for since the last time, with those words.
  template <class Visit>
  void take_grown(Visit visit) {
    for (uint32_t index : grown_) {
      Entry& entry = entries_[index];
      visit(entry.pair, entry.count, std::exchange(entry.words, {}));
    }
    grown_.clear();
  }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;
  struct Entry {
    TokenPair pair;
    int64_t count;
    std::vector<uint32_t> words;
  };

  static size_t hash(TokenPair pair) {
    uint64_t key = static_cast<uint64_t>(static_cast<uint32_t>(pair.left)) << 32 | static_cast<uint32_t>(pair.right);
    key *= 0x9E3779B97F4A7C15u;
    return key ^ (key >> 32);
  }

  uint32_t find_or_insert(TokenPair pair) {
    const size_t mask = slots_.size() - 1;
    for (size_t i = hash(pair) & mask;; i = (i + 1) & mask) {
      if (slots_[i] == kEmpty) {
        slots_[i] = static_cast<uint32_t>(entries_.size());
        entries_.push_back({pair, 0, {}});
        if (entries_.size() * 2 > slots_.size()) grow();
        return static_cast<uint32_t>(entries_.size() - 1);
      }
      if (entries_[slots_[i]].pair == pair) return slots_[i];
    }
  }

  void grow() {
    slots_.assign(slots_.size() * 2, kEmpty);
    const size_t mask = slots_.size() - 1;
    for (uint32_t index = 0; index < entries_.size(); ++index) {
      size_t i = hash(entries_[index].pair) & mask;
      while (slots_[i] != kEmpty) i = (i + 1) & mask;
      slots_[i] = index;
    }
  }

  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;
  std::vector<uint32_t> grown_;  // entries with words
};

}  // namespace imago::tokenizers
