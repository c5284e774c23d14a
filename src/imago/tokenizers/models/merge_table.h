// Which pairs of tokens byte-pair encoding merges, in what order, and into what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace imago::tokenizers {

struct MergeRule {
  int32_t left, right, result;  // token ids; the rank is the position in the list
};

// Open addressing over (left, right). A slot is 16 bytes, so that one lookup is one cache line.
class MergeTable {
 public:
  static constexpr uint32_t kNoRank = UINT32_MAX;

  struct Merge {
    uint32_t rank = kNoRank;
    int32_t result = -1;
  };

  MergeTable() = default;
  // Of rules for the same pair the last counts.
  explicit MergeTable(const std::vector<MergeRule>& rules);

  Merge find(int32_t left, int32_t right) const {
    if (slots_.empty()) return {};
    const uint64_t key = key_of(left, right);
    for (size_t i = hash(key) & mask_;; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return slots_[i].merge;
      if (slots_[i].key == kEmpty) return {};
    }
  }

  // The rules in order of rank, each pair once.
  std::vector<MergeRule> rules() const;
  bool empty() const { return slots_.empty(); }

 private:
  static constexpr uint64_t kEmpty = UINT64_MAX;
  struct Slot {
    uint64_t key = kEmpty;
    Merge merge;
  };

  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  static size_t hash(uint64_t key) {
    key *= 0x9E3779B97F4A7C15u;
    return key ^ (key >> 29);
  }

  std::vector<Slot> slots_;
  size_t mask_ = 0;
};

}  // namespace imago::tokenizers
