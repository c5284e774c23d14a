// Q5_K: 256 values of 5 bits in eight groups of 32, each with a scale and a minimum of 6 bits; 5.5 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/scale.h"
#include "imago/quant/search.h"
#include "imago/quant/super_block_scales.h"

namespace imago::quant {

struct Q5_K {
  static constexpr const char* kName = "q5_k";
  static constexpr uint32_t kGgmlType = 13;
  static constexpr int64_t kElements = 256, kGroup = 32;
  static constexpr bool kHasOffset = true;

  struct Block {
    float16 scale, minimum;
    uint8_t scales[12];
    uint8_t fifth_bits[32];  // bit g of byte i belongs to value i of group g
    uint8_t nibbles[128];    // as in Q4_K
  };
  static_assert(sizeof(Block) == 176);

  static void encode(const float* x, Block& block) {
    const RoundedScales found = search_super_block(x, 8, kGroup, 31, 63);
    block.scale = float16(found.scale);
    block.minimum = float16(found.minimum);
    pack_super_block_scales(found.scales, found.minimums, block.scales);
    for (uint8_t& byte : block.fifth_bits) byte = 0;
    for (uint8_t& byte : block.nibbles) byte = 0;
    for (int g = 0; g < 8; ++g) {
      uint8_t q[kGroup];
      round_group(x + g * kGroup, kGroup, found.scale * found.scales[g], found.minimum * found.minimums[g], 31, q);
      for (int i = 0; i < kGroup; ++i) {
        uint8_t& pair = block.nibbles[g / 2 * 32 + i];
        pair = static_cast<uint8_t>(pair | (q[i] & 15) << (g % 2 * 4));
        block.fifth_bits[i] = static_cast<uint8_t>(block.fifth_bits[i] | (q[i] >> 4) << g);
      }
    }
  }
};

}  // namespace imago::quant
