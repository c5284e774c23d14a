// IQ4_NL: 32 values of 4 bits that stand for unevenly spaced numbers, and a scale; 4.5 bits per weight.
#pragma once

#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/nibbles.h"
#include "imago/quant/scale.h"
#include "imago/quant/search.h"
#include "imago/quant/uneven_values.h"

namespace imago::quant {

struct IQ4_NL {
  static constexpr const char* kName = "iq4_nl";
  static constexpr uint32_t kGgmlType = 20;
  static constexpr int64_t kElements = 32, kGroup = 32;
  static constexpr bool kHasOffset = false;

  struct Block {
    float16 scale;
    uint8_t nibbles[16];
  };
  static_assert(sizeof(Block) == 18);

  static void encode(const float* x, Block& block) {
    float weights[kElements];
    error_weights(x, kElements, weights);
    block.scale = float16(search_table_scale(x, weights, kElements, kUnevenValues, 16));
    uint8_t q[kElements];
    round_to_uneven(x, kElements, block.scale, q);
    pack_nibbles(q, block.nibbles);
  }
};

}  // namespace imago::quant
