// Four-bit values in pairs: byte i of n has value i in its low half and value i + n in its high half.
#pragma once

#include <cstdint>

namespace imago::quant {

template <int kBytes>
inline void pack_nibbles(const uint8_t* values, uint8_t (&bytes)[kBytes]) {
  for (int i = 0; i < kBytes; ++i) bytes[i] = static_cast<uint8_t>((values[i] & 15) | (values[i + kBytes] & 15) << 4);
}

}  // namespace imago::quant
