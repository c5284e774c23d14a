// Q6_K: 256 values of 6 bits in sixteen groups of 16, each with a scale of 8 bits; 6.5625 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/scale.h"
#include "imago/quant/search.h"

namespace imago::quant {

struct Q6_K {
  static constexpr const char* kName = "q6_k";
  static constexpr uint32_t kGgmlType = 14;
  static constexpr int64_t kElements = 256, kGroup = 16;
  static constexpr bool kHasOffset = false;

  struct Block {
    uint8_t nibbles[128];   // of each 128 values, 64 bytes: the first 64 in the low halves, the others in the high ones
    uint8_t high_bits[64];  // of each 128 values, the first 32 in the lowest two bits of 32 bytes, and so on
    int8_t scales[16];
    float16 scale;
  };
  static_assert(sizeof(Block) == 210);

  static void encode(const float* x, Block& block) {
    int scales[16];
    int8_t q[kElements];
    block.scale = float16(search_symmetric_super_block(x, 16, kGroup, -32, 31, -128, 127, scales, q));
    block = Block{{}, {}, {}, block.scale};
    for (int g = 0; g < 16; ++g) block.scales[g] = static_cast<int8_t>(scales[g]);
    for (int i = 0; i < kElements; ++i) {
      const int value = q[i] + 32, run = i / 32;
      uint8_t& low = block.nibbles[run / 4 * 64 + run % 2 * 32 + i % 32];
      uint8_t& high = block.high_bits[run / 4 * 32 + i % 32];
      low = static_cast<uint8_t>(low | (value & 15) << (run % 4 / 2 * 4));
      high = static_cast<uint8_t>(high | (value >> 4) << (run % 4 * 2));
    }
  }
};

}  // namespace imago::quant
