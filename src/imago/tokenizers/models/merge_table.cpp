#include "imago/tokenizers/models/merge_table.h"

#include <algorithm>
#include <bit>

namespace imago::tokenizers {

MergeTable::MergeTable(const std::vector<MergeRule>& rules) {
  if (rules.empty()) return;
  // At most two thirds full: half the memory of what powers of two above twice the size take, on the average.
  slots_.resize(std::bit_ceil(rules.size() + rules.size() / 2 + 1));
  mask_ = slots_.size() - 1;
  // The table of a large vocabulary exceeds the cache: asking for slots ahead of time hides most of the waiting.
  constexpr size_t kAhead = 12;
  const auto home = [&](size_t rule) { return hash(key_of(rules[rule].left, rules[rule].right)) & mask_; };
  for (size_t rank = 0; rank < rules.size(); ++rank) {
    if (rank + kAhead < rules.size()) __builtin_prefetch(&slots_[home(rank + kAhead)], 1);
    const uint64_t key = key_of(rules[rank].left, rules[rank].right);
    size_t i = home(rank);
    while (slots_[i].key != kEmpty && slots_[i].key != key) i = (i + 1) & mask_;
    slots_[i] = {key, {static_cast<uint32_t>(rank), rules[rank].result}};
  }
}

std::vector<MergeRule> MergeTable::rules() const {
  std::vector<std::pair<uint32_t, MergeRule>> ranked;
  for (const Slot& slot : slots_) {
    if (slot.key == kEmpty) continue;
    ranked.push_back(
        {slot.merge.rank, {static_cast<int32_t>(slot.key >> 32), static_cast<int32_t>(slot.key), slot.merge.result}});
  }
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<MergeRule> rules;
  rules.reserve(ranked.size());
  for (const auto& entry : ranked) rules.push_back(entry.second);
  return rules;
}

}  // namespace imago::tokenizers
