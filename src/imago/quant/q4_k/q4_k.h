// Q4_K: 256 values of 4 bits in eight groups of 32, each with a scale and a minimum of 6 bits; 4.5 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/scale.h"
#include "imago/quant/search.h"
#include "imago/quant/super_block_scales.h"

namespace imago::quant {

struct Q4_K {
  static constexpr const char* kName = "q4_k";
  static constexpr uint32_t kGgmlType = 12;
  static constexpr int64_t kElements = 256, kGroup = 32;
  static constexpr bool kHasOffset = true;

  struct Block {
    float16 scale, minimum;
    uint8_t scales[12];
    uint8_t nibbles[128];  // 32 bytes for two groups: the first in the low halves, the second in the high ones
  };
  static_assert(sizeof(Block) == 144);

  static void encode(const float* x, Block& block) {
    const RoundedScales found = search_super_block(x, 8, kGroup, 15, 63);
    block.scale = float16(found.scale);
    block.minimum = float16(found.minimum);
    pack_super_block_scales(found.scales, found.minimums, block.scales);
    for (int pair = 0; pair < 4; ++pair) {
      uint8_t q[2 * kGroup];
      for (int g = 0; g < 2; ++g) {
        const int at = 2 * pair + g;
        round_group(x + at * kGroup, kGroup, found.scale * found.scales[at], found.minimum * found.minimums[at], 15,
                    q + g * kGroup);
      }
      for (int i = 0; i < kGroup; ++i) {
        block.nibbles[pair * kGroup + i] = static_cast<uint8_t>(q[i] | q[i + kGroup] << 4);
      }
    }
  }
};

}  // namespace imago::quant
