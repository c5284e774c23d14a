#include "imago/tokenizers/vocabulary.h"

#include <algorithm>
#include <array>
#include <bit>

#include "imago/base/error.h"

namespace imago::tokenizers {
namespace {

// Ids index tables, so an id far beyond any vocabulary must not decide how much memory is taken.
constexpr int32_t kMaxId = 1 << 26;

}  // namespace

void Vocabulary::reserve(size_t tokens, size_t bytes) {
  bytes_.reserve(bytes);
  entries_.reserve(tokens);
  by_id_.reserve(tokens);
  if (tokens * 2 > slots_.size()) rehash(std::bit_ceil(tokens * 2 + 16));
}

void Vocabulary::rehash(size_t slots) {
  slots_.assign(slots, Slot{});
  mask_ = slots - 1;
  for (size_t entry = 0; entry < entries_.size(); ++entry) {
    const std::string_view token = text_of(entries_[entry]);
    const uint64_t hash = hash_bytes(token.data(), token.size());
    size_t i = hash & mask_;
    while (slots_[i].entry >= 0) i = (i + 1) & mask_;
    slots_[i] = {static_cast<uint32_t>(hash >> 32), static_cast<int32_t>(entry)};
  }
}

void Vocabulary::add(std::string_view token, int32_t id, uint64_t hash) {
  if (id < 0 || id >= kMaxId) {
    throw Error(ErrorKind::kInvalidFile, "vocabulary",
                "the id " + std::to_string(id) + " of the token '" + std::string(token) + "' is out of range");
  }
  if (bytes_.size() + token.size() > UINT32_MAX) {
    throw Error(ErrorKind::kLimitExceeded, "vocabulary", "the tokens together have more than 4 GiB");
  }
  if ((entries_.size() + 1) * 2 > slots_.size()) rehash(std::max<size_t>(64, slots_.size() * 2));
  const uint32_t tag = static_cast<uint32_t>(hash >> 32);
  size_t i = hash & mask_;
  while (slots_[i].entry >= 0 && !(slots_[i].tag == tag && text_of(entries_[slots_[i].entry]) == token)) {
    i = (i + 1) & mask_;
  }
  if (slots_[i].entry < 0) {
    slots_[i] = {tag, static_cast<int32_t>(entries_.size())};
    entries_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(token.size()), id});
    bytes_ += token;
  } else {
    const int32_t previous = entries_[slots_[i].entry].id;
    if (by_id_[previous] == slots_[i].entry) by_id_[previous] = kNone;
    entries_[slots_[i].entry].id = id;
  }
  if (static_cast<size_t>(id) >= by_id_.size()) by_id_.resize(id + 1, kNone);
  by_id_[id] = slots_[i].entry;
  max_token_size_ = std::max(max_token_size_, token.size());
}

void Vocabulary::find_all(std::span<const std::string_view> tokens, std::span<int32_t> ids) const {
  constexpr size_t kBatch = 96;
  std::array<uint64_t, kBatch> hashes;
  std::array<int32_t, kBatch> candidates;
  if (slots_.empty()) std::fill(ids.begin(), ids.end(), kNone);
  for (size_t begin = 0; begin < tokens.size() && !slots_.empty(); begin += kBatch) {
    const auto batch = tokens.subspan(begin, std::min(kBatch, tokens.size() - begin));
    for (size_t i = 0; i < batch.size(); ++i) {
      hashes[i] = hash_bytes(batch[i].data(), batch[i].size());
      prefetch(hashes[i]);
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      size_t slot = hashes[i] & mask_;
      while (slots_[slot].entry >= 0 && slots_[slot].tag != static_cast<uint32_t>(hashes[i] >> 32)) {
        slot = (slot + 1) & mask_;
      }
      candidates[i] = slots_[slot].entry;
      if (candidates[i] >= 0) __builtin_prefetch(&entries_[candidates[i]]);
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      if (candidates[i] >= 0) __builtin_prefetch(bytes_.data() + entries_[candidates[i]].offset);
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      const bool same = candidates[i] >= 0 && text_of(entries_[candidates[i]]) == batch[i];
      // Another token may have the same tag.
      ids[begin + i] = candidates[i] < 0 ? kNone : same ? entries_[candidates[i]].id : find(batch[i], hashes[i]);
    }
  }
}

}  // namespace imago::tokenizers
