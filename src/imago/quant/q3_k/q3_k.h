// Q3_K: 256 values of 3 bits in sixteen groups of 16, each with a scale of 6 bits about zero; 3.4375 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/scale.h"
#include "imago/quant/search.h"

namespace imago::quant {

struct Q3_K {
  static constexpr const char* kName = "q3_k";
  static constexpr uint32_t kGgmlType = 11;
  static constexpr int64_t kElements = 256, kGroup = 16;
  static constexpr bool kHasOffset = false;

  struct Block {
    uint8_t third_bits[32];  // bit r of byte i belongs to value i of the run r of 32
    uint8_t values[64];      // the lower two bits, as in Q2_K
    uint8_t scales[12];      // low halves: 16 values in 8 bytes; then their upper two bits, four to a byte
    float16 scale;
  };
  static_assert(sizeof(Block) == 110);

  static void encode(const float* x, Block& block) {
    int scales[16];
    int8_t q[kElements];
    block.scale = float16(search_symmetric_super_block(x, 16, kGroup, -4, 3, -32, 31, scales, q));
    block = Block{{}, {}, {}, block.scale};
    for (int g = 0; g < 16; ++g) {
      const int scale = scales[g] + 32;
      block.scales[g % 8] = static_cast<uint8_t>(block.scales[g % 8] | (scale & 15) << (g / 8 * 4));
      block.scales[8 + g % 4] = static_cast<uint8_t>(block.scales[8 + g % 4] | (scale >> 4) << (g / 4 * 2));
    }
    for (int i = 0; i < kElements; ++i) {
      const int value = q[i] + 4, run = i / 32;
      uint8_t &low = block.values[run / 4 * 32 + i % 32], &high = block.third_bits[i % 32];
      low = static_cast<uint8_t>(low | (value & 3) << (run % 4 * 2));
      high = static_cast<uint8_t>(high | (value >> 2) << run);
    }
  }
};

}  // namespace imago::quant
