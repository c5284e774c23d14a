// Eight scales and eight minimums of 6 bits each in 12 bytes, as Q4_K and Q5_K pack them: bytes 0-3 and 4-7 hold the
// first four of each in their low 6 bits and the top 2 bits of the others in their high 2; bytes 8-11 hold the low 4
// bits of the other scales and minimums.
#pragma once

#include <cstdint>

namespace imago::quant {

inline void unpack_super_block_scales(const uint8_t (&packed)[12], uint8_t* scales, uint8_t* minimums) {
  for (int i = 0; i < 4; ++i) {
    const uint8_t s = packed[i], m = packed[i + 4], low = packed[i + 8];
    scales[i] = s & 63;
    minimums[i] = m & 63;
    scales[i + 4] = static_cast<uint8_t>((low & 15) | (s >> 6) << 4);
    minimums[i + 4] = static_cast<uint8_t>(low >> 4 | (m >> 6) << 4);
  }
}

inline void pack_super_block_scales(const uint8_t* scales, const uint8_t* minimums, uint8_t (&packed)[12]) {
  for (int i = 0; i < 4; ++i) {
    packed[i] = static_cast<uint8_t>(scales[i] | (scales[i + 4] >> 4) << 6);
    packed[i + 4] = static_cast<uint8_t>(minimums[i] | (minimums[i + 4] >> 4) << 6);
    packed[i + 8] = static_cast<uint8_t>((scales[i + 4] & 15) | (minimums[i + 4] & 15) << 4);
  }
}

}  // namespace imago::quant
