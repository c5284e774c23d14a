// The sixteen numbers that four bits stand for in IQ4_NL and IQ4_XS: denser about zero, as weights are.
#pragma once

#include <cstdint>

#include "imago/quant/scale.h"
#include "imago/quant/search.h"

namespace imago::quant {

inline constexpr int8_t kUnevenValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// The indices of the values nearest to x / scale.
inline void round_to_uneven(const float* x, int64_t count, float scale, uint8_t* q) {
  const float inverse = reciprocal(scale);
  for (int64_t i = 0; i < count; ++i) q[i] = static_cast<uint8_t>(nearest_index(kUnevenValues, 16, x[i] * inverse));
}

}  // namespace imago::quant
