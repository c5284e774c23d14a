#include "imago/tokenizers/vocabulary.h"

#include <algorithm>
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

void Vocabulary::add(std::string_view token, int32_t id) {
  if (id < 0 || id >= kMaxId) {
    throw Error(ErrorKind::kInvalidFile, "vocabulary",
                "the id " + std::to_string(id) + " of the token '" + std::string(token) + "' is out of range");
  }
  if (bytes_.size() + token.size() > UINT32_MAX) {
    throw Error(ErrorKind::kLimitExceeded, "vocabulary", "the tokens together have more than 4 GiB");
  }
  if ((entries_.size() + 1) * 2 > slots_.size()) rehash(std::max<size_t>(64, slots_.size() * 2));
  const uint64_t hash = hash_bytes(token.data(), token.size());
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

}  // namespace imago::tokenizers
