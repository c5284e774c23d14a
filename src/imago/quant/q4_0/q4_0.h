// Q4_0: 32 values of 4 bits about zero and a scale, 4.5 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/nibbles.h"
#include "imago/quant/rounding.h"

namespace imago::quant {

struct Q4_0 {
  static constexpr const char* kName = "q4_0";
  static constexpr uint32_t kGgmlType = 2;
  static constexpr int64_t kElements = 32, kGroup = 32;
  static constexpr bool kHasOffset = false;

  struct Block {
    float16 scale;
    uint8_t nibbles[16];
  };
  static_assert(sizeof(Block) == 18);

  static void encode(const float* x, Block& block) {
    uint8_t q[kElements];
    block.scale = float16(round_signed<8>(x, kElements, q));
    pack_nibbles(q, block.nibbles);
  }
};

}  // namespace imago::quant
