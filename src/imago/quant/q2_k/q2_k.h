// Q2_K: 256 values of 2 bits in sixteen groups of 16, each with a scale and a minimum of 4 bits; 2.625 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/scale.h"
#include "imago/quant/search.h"

namespace imago::quant {

struct Q2_K {
  static constexpr const char* kName = "q2_k";
  static constexpr uint32_t kGgmlType = 10;
  static constexpr int64_t kElements = 256, kGroup = 16;
  static constexpr bool kHasOffset = true;

  struct Block {
    uint8_t scales[16];  // the scale in the low half, the minimum in the high one
    uint8_t values[64];  // of each 128 values, the first 32 in the lowest two bits of 32 bytes, and so on
    float16 scale, minimum;
  };
  static_assert(sizeof(Block) == 84);

  static void encode(const float* x, Block& block) {
    const RoundedScales found = search_super_block(x, 16, kGroup, 3, 15);
    block.scale = float16(found.scale);
    block.minimum = float16(found.minimum);
    uint8_t q[kElements];
    for (int g = 0; g < 16; ++g) {
      block.scales[g] = static_cast<uint8_t>(found.scales[g] | found.minimums[g] << 4);
      round_group(x + g * kGroup, kGroup, found.scale * found.scales[g], found.minimum * found.minimums[g], 3,
                  q + g * kGroup);
    }
    for (int i = 0; i < 64; ++i) {
      const uint8_t* first = q + i / 32 * 128 + i % 32;
      block.values[i] = static_cast<uint8_t>(first[0] | first[32] << 2 | first[64] << 4 | first[96] << 6);
    }
  }
};

}  // namespace imago::quant
