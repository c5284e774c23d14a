// Scales of blocks, as files store them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "imago/kernels/cpu/half.h"

namespace imago::quant {

// As float16's own conversion, without branches but for infinities and NaN, which no sound file has: one scale is
// converted for every few weights. The multiplication by a power of two is exact, subnormals included.
inline float widen(float16 scale) {
  const uint32_t magnitude = scale.bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return scale;
  const uint32_t sign = static_cast<uint32_t>(scale.bits & 0x8000u) << 16;
  const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) | sign);
}

// The reciprocal that values are multiplied by; 0 for a block of zeros, or so near that there is no reciprocal.
inline float reciprocal(float scale) {
  const float inverse = scale == 0 ? 0 : 1 / scale;
  return std::isfinite(inverse) ? inverse : 0;
}

}  // namespace imago::quant
