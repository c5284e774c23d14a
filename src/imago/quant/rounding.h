// How the simple formats find their scales and integers, in the reference's order of operations.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "imago/quant/scale.h"

namespace imago::quant {

// Of the values, the one of largest magnitude with its sign; the first of equals.
inline float largest_with_sign(const float* x, int64_t count) {
  float largest = x[0];
  for (int64_t i = 1; i < count; ++i) {
    if (std::abs(x[i]) > std::abs(largest)) largest = x[i];
  }
  return largest;
}

// Values 0 to 2 kZero - 1 that stand for q - kZero: the value of largest magnitude becomes -kZero exactly, which uses
// the range's odd end. Gives the scale.
template <int kZero>
inline float round_signed(const float* x, int64_t count, uint8_t* q) {
  const float scale = largest_with_sign(x, count) / -kZero, inverse = reciprocal(scale);
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<int>(x[i] * inverse + (static_cast<float>(kZero) + 0.5F));
    q[i] = static_cast<uint8_t>(std::clamp(value, 0, 2 * kZero - 1));
  }
  return scale;
}

struct ScaleAndMinimum {
  float scale, minimum;
};

// Values 0 to kLargest between the smallest and the largest.
template <int kLargest>
inline ScaleAndMinimum round_between(const float* x, int64_t count, uint8_t* q) {
  const auto [minimum, maximum] = std::minmax_element(x, x + count);
  const float scale = (*maximum - *minimum) / kLargest, inverse = reciprocal(scale);
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<int>((x[i] - *minimum) * inverse + 0.5F);
    q[i] = static_cast<uint8_t>(std::clamp(value, 0, kLargest));
  }
  return {scale, *minimum};
}

}  // namespace imago::quant
