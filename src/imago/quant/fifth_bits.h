// The fifth bits of 32 values, bit i of a little-endian word belonging to value i.
#pragma once

#include <cstdint>

namespace imago::quant {

inline void take_fifth_bits(const uint8_t* q, uint8_t (&bits)[4]) {
  for (uint8_t& byte : bits) byte = 0;
  for (int i = 0; i < 32; ++i) bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | (q[i] >> 4 & 1) << (i % 8));
}

}  // namespace imago::quant
