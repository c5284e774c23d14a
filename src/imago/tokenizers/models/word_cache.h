// Short pieces of text that a model has already cut, and their token ids.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace imago::tokenizers {

// One entry is one cache line and holds the whole piece, so that a hit costs one memory access and no pointer. A piece
// whose line is taken by another replaces it: the memory is bounded and nothing has to be evicted.
class WordCache {
 public:
  static constexpr size_t kMaxBytes = 32;
  static constexpr size_t kMaxTokens = 6;

  struct alignas(64) Entry {
    std::array<uint64_t, 4> bytes{};  // padded with zeros
    std::array<int32_t, kMaxTokens> ids{};
    uint8_t size = 0;  // of the piece; 0 marks an empty entry
    uint8_t count = 0;
    uint8_t flags = 0;  // the model's own

    std::span<const int32_t> tokens() const { return {ids.data(), count}; }
  };
  static_assert(sizeof(Entry) == 64);

  WordCache() : entries_(kEntries) {}

  static bool fits(std::string_view piece) { return piece.size() <= kMaxBytes && !piece.empty(); }

  // The entry of a piece that fits, or where it belongs: `found` tells which.
  Entry& find(std::string_view piece, bool& found) {
    std::array<uint64_t, 4> bytes{};
    std::memcpy(bytes.data(), piece.data(), piece.size());
    const uint64_t folded = (bytes[0] * 0x9E3779B97F4A7C15u) ^ (bytes[1] * 0xD6E8FEB86659FD93u) ^
                            (bytes[2] * 0xA0761D6478BD642Fu) ^ (bytes[3] * 0xE7037ED1A0B428DBu) ^ piece.size();
    Entry& entry = entries_[(folded * 0x9E3779B97F4A7C15u) >> (64 - kBits)];
    found = entry.size == piece.size() && entry.bytes == bytes;
    if (!found) {
      // Until put() the entry is in no state to be found.
      entry.bytes = bytes;
      entry.size = 0;
    }
    return entry;
  }

  static void put(Entry& entry, size_t size, std::span<const int32_t> ids, uint8_t flags) {
    if (ids.size() > kMaxTokens) return;
    std::memcpy(entry.ids.data(), ids.data(), ids.size() * sizeof(int32_t));
    entry.count = static_cast<uint8_t>(ids.size());
    entry.flags = flags;
    entry.size = static_cast<uint8_t>(size);
  }

 private:
  static constexpr int kBits = 15;
  static constexpr size_t kEntries = size_t{1} << kBits;
  std::vector<Entry> entries_;
};

}  // namespace imago::tokenizers
