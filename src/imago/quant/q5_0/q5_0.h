// Q5_0: 32 values of 5 bits about zero and a scale, 5.5 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/fifth_bits.h"
#include "imago/quant/format.h"
#include "imago/quant/nibbles.h"
#include "imago/quant/rounding.h"

namespace imago::quant {

struct Q5_0 {
  static constexpr const char* kName = "q5_0";
  static constexpr uint32_t kGgmlType = 6;
  static constexpr int64_t kElements = 32, kGroup = 32;
  static constexpr bool kHasOffset = false;

  struct Block {
    float16 scale;
    uint8_t fifth_bits[4], nibbles[16];
  };
  static_assert(sizeof(Block) == 22);

  static void encode(const float* x, Block& block) {
    uint8_t q[kElements];
    block.scale = float16(round_signed<16>(x, kElements, q));
    take_fifth_bits(q, block.fifth_bits);
    pack_nibbles(q, block.nibbles);
  }
};

}  // namespace imago::quant
