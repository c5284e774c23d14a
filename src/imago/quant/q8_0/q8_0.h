// Q8_0: 32 signed bytes and a scale, 8.5 bits per weight.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/scale.h"

namespace imago::quant {

struct Q8_0 {
  static constexpr const char* kName = "q8_0";
  static constexpr uint32_t kGgmlType = 8;
  static constexpr int64_t kElements = 32, kGroup = 32;
  static constexpr bool kHasOffset = false;

  struct Block {
    float16 scale;
    int8_t values[kElements];
  };
  static_assert(sizeof(Block) == 34);

  static void encode(const float* x, Block& block) {
    float largest = 0;
    for (int i = 0; i < kElements; ++i) largest = std::max(largest, std::abs(x[i]));
    const float scale = largest / 127, inverse = reciprocal(scale);
    block.scale = float16(scale);
    for (int i = 0; i < kElements; ++i) block.values[i] = static_cast<int8_t>(std::round(x[i] * inverse));
  }
};

}  // namespace imago::quant
