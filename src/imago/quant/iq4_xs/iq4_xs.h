// IQ4_XS: 256 values of 4 bits that stand for unevenly spaced numbers, in eight groups of 32, each with a scale of 6
// bits; 4.25 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/scale.h"
#include "imago/quant/search.h"
#include "imago/quant/uneven_values.h"

namespace imago::quant {

struct IQ4_XS {
  static constexpr const char* kName = "iq4_xs";
  static constexpr uint32_t kGgmlType = 23;
  static constexpr int64_t kElements = 256, kGroup = 32;
  static constexpr bool kHasOffset = false;

  struct Block {
    float16 scale;
    uint16_t high_scales;   // two bits of each group's scale
    uint8_t low_scales[4];  // four bits of each
    uint8_t nibbles[128];   // 16 bytes of each group
  };
  static_assert(sizeof(Block) == 136);

  static void encode(const float* x, Block& block) {
    float found[8], weights[kGroup];
    int scales[8];
    for (int g = 0; g < 8; ++g) {
      error_weights(x + g * kGroup, kGroup, weights);
      found[g] = search_table_scale(x + g * kGroup, weights, kGroup, kUnevenValues, 16);
    }
    const float common = super_block_scale(found, 8, -32, 31, scales);
    block = Block{float16(common), 0, {}, {}};
    for (int g = 0; g < 8; ++g) {
      const int scale = scales[g] + 32;
      block.low_scales[g / 2] = static_cast<uint8_t>(block.low_scales[g / 2] | (scale & 15) << (g % 2 * 4));
      block.high_scales = static_cast<uint16_t>(block.high_scales | (scale >> 4) << (2 * g));
      uint8_t q[kGroup];
      round_to_uneven(x + g * kGroup, kGroup, common * static_cast<float>(scales[g]), q);
      for (int i = 0; i < 16; ++i) block.nibbles[g * 16 + i] = static_cast<uint8_t>(q[i] | q[i + 16] << 4);
    }
  }
};

}  // namespace imago::quant
