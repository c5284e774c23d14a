// Token strings and their ids, both ways.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace imago::tokenizers {

__extension__ typedef unsigned __int128 Wide;

inline uint64_t hash_bytes(const char* data, size_t size) {
  // Multiply and fold (the mixing step of wyhash): one pass over the words, good enough for tables that are not
  // attacker-ordered; vocabularies are bounded by the file that holds them.
  uint64_t hash = size * 0x9E3779B97F4A7C15u;
  auto mix = [&](uint64_t word) {
    const Wide product = static_cast<Wide>(word ^ hash) * 0xD6E8FEB86659FD93u;
    hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  while (size >= 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    mix(word + 0xA0761D6478BD642Fu);
    data += 8;
    size -= 8;
  }
  uint64_t tail = 0;
  if (size >= 4) {
    uint32_t low, high;
    std::memcpy(&low, data, 4);
    std::memcpy(&high, data + size - 4, 4);
    tail = static_cast<uint64_t>(high) << 32 | low;
  } else if (size > 0) {
    tail = static_cast<uint64_t>(static_cast<unsigned char>(data[0])) << 16 |
           static_cast<uint64_t>(static_cast<unsigned char>(data[size / 2])) << 8 |
           static_cast<unsigned char>(data[size - 1]);
  }
  mix(tail + 0xE7037ED1A0B428DBu);
  return hash;
}

// Token strings lie one behind the other in one buffer; the hash table holds numbers only, so that a lookup that fails
// touches one cache line.
class Vocabulary {
 public:
  static constexpr int32_t kNone = -1;

  Vocabulary() = default;

  void reserve(size_t tokens, size_t bytes);

  // Of equal tokens the last id counts, and of equal ids one token, as in the reference's maps.
  void add(std::string_view token, int32_t id) { add(token, id, hash_bytes(token.data(), token.size())); }
  void add(std::string_view token, int32_t id, uint64_t hash);

  int32_t find(std::string_view token) const { return find(token, hash_bytes(token.data(), token.size())); }
  int32_t find(std::string_view token, uint64_t hash) const {
    if (slots_.empty()) return kNone;
    const uint32_t tag = static_cast<uint32_t>(hash >> 32);
    for (size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.entry < 0) return kNone;
      if (slot.tag == tag && text_of(entries_[slot.entry]) == token) return entries_[slot.entry].id;
    }
  }
  // Of many tokens: ids[i] becomes that of tokens[i]. Each of the three places that a lookup reads is asked for a batch
  // ahead, which hides most of the waiting for memory.
  void find_all(std::span<const std::string_view> tokens, std::span<int32_t> ids) const;
  void prefetch(uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & mask_]);
  }

  bool contains_id(int32_t id) const {
    return id >= 0 && static_cast<size_t>(id) < by_id_.size() && by_id_[id] != kNone;
  }
  // The token of an id that is contained.
  std::string_view token(int32_t id) const { return text_of(entries_[by_id_[id]]); }

  size_t size() const { return entries_.size(); }
  int32_t id_limit() const { return static_cast<int32_t>(by_id_.size()); }
  size_t max_token_size() const { return max_token_size_; }

 private:
  struct Entry {
    uint32_t offset, size;
    int32_t id;
  };
  struct Slot {
    uint32_t tag = 0;
    int32_t entry = -1;
  };

  std::string_view text_of(const Entry& entry) const { return {bytes_.data() + entry.offset, entry.size}; }
  void rehash(size_t slots);

  std::string bytes_;
  std::vector<Entry> entries_;
  std::vector<int32_t> by_id_;  // index into entries_
  std::vector<Slot> slots_;
  size_t mask_ = 0;
  size_t max_token_size_ = 0;
};

}  // namespace imago::tokenizers
