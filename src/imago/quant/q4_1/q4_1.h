// Q4_1: 32 values of 4 bits above a minimum, and a scale; 5 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/nibbles.h"
#include "imago/quant/rounding.h"

namespace imago::quant {

struct Q4_1 {
  static constexpr const char* kName = "q4_1";
  static constexpr uint32_t kGgmlType = 3;
  static constexpr int64_t kElements = 32, kGroup = 32;
  static constexpr bool kHasOffset = true;

  struct Block {
    float16 scale, minimum;
    uint8_t nibbles[16];
  };
  static_assert(sizeof(Block) == 20);

  static void encode(const float* x, Block& block) {
    uint8_t q[kElements];
    const auto [scale, minimum] = round_between<15>(x, kElements, q);
    block.scale = float16(scale);
    block.minimum = float16(minimum);
    pack_nibbles(q, block.nibbles);
  }
};

}  // namespace imago::quant
