// Short pieces of text that a model has already cut, and their token ids.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace imago::tokenizers {

// One entry is one cache line and holds the whole piece, so that a hit costs one memory access and no pointer. A piece
// whose lines are taken by others replaces one: the memory is bounded and nothing has to be evicted.
class WordCache {
 public:
  static constexpr size_t kMaxBytes = 32;
  static constexpr size_t kMaxTokens = 6;

  struct alignas(64) Entry {
    std::array<uint64_t, 4> bytes{};  // as words_of() loads them
    std::array<int32_t, kMaxTokens> ids{};
    uint8_t size = 0;  // of the piece; 0 marks an empty entry
    uint8_t count = 0;
    uint8_t flags = 0;  // the model's own

    std::span<const int32_t> tokens() const { return {ids.data(), count}; }
  };
  static_assert(sizeof(Entry) == 64);

  WordCache() : entries_(kEntries) {}

  static bool fits(std::string_view piece) { return piece.size() <= kMaxBytes && !piece.empty(); }

  // What a piece is looked up by.
  struct Key {
    std::array<uint64_t, 4> bytes;
    size_t size, place;
  };

  // Of a piece that fits. Two entries beside each other may hold it.
  static Key key_of(std::string_view piece) {
    const std::array<uint64_t, 4> bytes = words_of(piece);
    const uint64_t folded = (bytes[0] * 0x9E3779B97F4A7C15u) ^ (bytes[1] * 0xD6E8FEB86659FD93u) ^
                            (bytes[2] * 0xA0761D6478BD642Fu) ^ (bytes[3] * 0xE7037ED1A0B428DBu) ^ piece.size();
    return {bytes, piece.size(), ((folded * 0x9E3779B97F4A7C15u) >> (64 - kBits)) & ~size_t{1}};
  }

  // The entries exceed the second-level cache: to ask for them some pieces ahead hides the waiting.
  void prefetch(const Key& key) const { __builtin_prefetch(&entries_[key.place]); }

  // The entry of a piece, or where it belongs: `found` tells which.
  Entry& find(const Key& key, bool& found) {
    Entry& first = entries_[key.place];
    Entry& second = entries_[key.place + 1];
    found = true;
    if (holds(first, key)) return first;
    if (holds(second, key)) return second;
    found = false;
    second = first;  // the newer one goes first
    first.bytes = key.bytes;
    first.size = 0;  // until put() it is in no state to be found
    return first;
  }
  Entry& find(std::string_view piece, bool& found) { return find(key_of(piece), found); }

  static void put(Entry& entry, size_t size, std::span<const int32_t> ids, uint8_t flags) {
    if (ids.size() > kMaxTokens) return;
    std::copy(ids.begin(), ids.end(), entry.ids.begin());
    entry.count = static_cast<uint8_t>(ids.size());
    entry.flags = flags;
    entry.size = static_cast<uint8_t>(size);
  }

 private:
  static bool holds(const Entry& entry, const Key& key) {
    // Not operator==, which calls memcmp.
    return entry.size == key.size && ((entry.bytes[0] ^ key.bytes[0]) | (entry.bytes[1] ^ key.bytes[1]) |
                                      (entry.bytes[2] ^ key.bytes[2]) | (entry.bytes[3] ^ key.bytes[3])) == 0;
  }

  template <class Word>
  static uint64_t load(const char* data) {
    Word word;
    std::memcpy(&word, data, sizeof word);
    return word;
  }

  // With the size they tell all bytes of the piece: loads from both ends that may overlap, so that no copy of a length
  // known only at run time is needed.
  static std::array<uint64_t, 4> words_of(std::string_view piece) {
    const char* data = piece.data();
    const size_t size = piece.size();
    if (size >= 16) {
      return {load<uint64_t>(data), load<uint64_t>(data + 8), load<uint64_t>(data + size - 16),
              load<uint64_t>(data + size - 8)};
    }
    if (size >= 8) return {load<uint64_t>(data), load<uint64_t>(data + size - 8), 0, 0};
    if (size >= 4) return {load<uint32_t>(data) | load<uint32_t>(data + size - 4) << 32, 0, 0, 0};
    return {load<uint8_t>(data) | load<uint8_t>(data + size / 2) << 8 | load<uint8_t>(data + size - 1) << 16, 0, 0, 0};
  }

  static constexpr int kBits = 15;
  static constexpr size_t kEntries = size_t{1} << kBits;
  std::vector<Entry> entries_;
};

}  // namespace imago::tokenizers
