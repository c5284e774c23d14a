// Eight scales and eight minimums of 6 bits each in 12 bytes, as Q4_K and Q5_K pack them: bytes 0-3 and 4-7 hold the
// first four of each in their low 6 bits and the top 2 bits of the others in their high 2; bytes 8-11 hold the low 4
// bits of the other scales and minimums.
#pragma once

#include <cstdint>
#include <cstring>

namespace imago::quant {

// The eight of each, one to a byte.
struct SuperBlockWords {
  uint64_t scales, minimums;
};

// Four at a time.
inline SuperBlockWords super_block_words(const uint8_t (&packed)[12]) {
  uint32_t word[3];
  std::memcpy(word, packed, sizeof(packed));
  const auto join = [](uint32_t low, uint32_t high) { return low | static_cast<uint64_t>(high) << 32; };
  return {join(word[0] & 0x3f3f3f3f, (word[2] & 0x0f0f0f0f) | (word[0] >> 2 & 0x30303030)),
          join(word[1] & 0x3f3f3f3f, (word[2] >> 4 & 0x0f0f0f0f) | (word[1] >> 2 & 0x30303030))};
}

inline void unpack_super_block_scales(const uint8_t (&packed)[12], uint8_t* scales, uint8_t* minimums) {
  const SuperBlockWords words = super_block_words(packed);
  std::memcpy(scales, &words.scales, sizeof(words.scales));
  std::memcpy(minimums, &words.minimums, sizeof(words.minimums));
}

inline void pack_super_block_scales(const uint8_t* scales, const uint8_t* minimums, uint8_t (&packed)[12]) {
  for (int i = 0; i < 4; ++i) {
    packed[i] = static_cast<uint8_t>(scales[i] | (scales[i + 4] >> 4) << 6);
    packed[i + 4] = static_cast<uint8_t>(minimums[i] | (minimums[i + 4] >> 4) << 6);
    packed[i + 8] = static_cast<uint8_t>((scales[i + 4] & 15) | (minimums[i + 4] & 15) << 4);
  }
}

}  // namespace imago::quant
