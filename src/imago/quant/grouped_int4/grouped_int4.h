// 32 values of 4 bits, a zero point and a scale: what GPTQ and AWQ weights of up to 4 bits are repacked to, whose
// groups are multiples of 32; 4.75 bits per weight. No format of GGUF, since a zero point of its own is not the minimum
// of one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "imago/quant/format.h"
#include "imago/quant/nibbles.h"
#include "imago/quant/scale.h"

namespace imago::quant {

struct GroupedInt4 {
  static constexpr const char* kName = "grouped_int4";
  static constexpr int64_t kElements = 32, kGroup = 32;
  static constexpr bool kHasOffset = true;

  struct Block {
    uint8_t scale_bytes[2];  // a float16, in bytes so that the block has no padding
    uint8_t zero;
    uint8_t nibbles[16];

    float16 scale() const {
      float16 value;
      std::memcpy(&value, scale_bytes, sizeof(value));
      return value;
    }
    void set_scale(float16 value) { std::memcpy(scale_bytes, &value, sizeof(value)); }
    void set_values(const uint8_t* q) { pack_nibbles(q, nibbles); }
  };
  static_assert(sizeof(Block) == 19);

  // From the smallest to the largest value and zero, as these methods' own starting point.
  static void encode(const float* x, Block& block) {
    const float least = std::min(0.0F, *std::min_element(x, x + kElements));
    const float most = std::max(0.0F, *std::max_element(x, x + kElements));
    block.set_scale(float16((most - least) / 15));
    const float inverse = reciprocal(block.scale());
    const float zero = std::clamp(std::round(-least * inverse), 0.0F, 15.0F);
    block.zero = static_cast<uint8_t>(zero);
    uint8_t q[kElements];
    for (int i = 0; i < kElements; ++i) {
      q[i] = static_cast<uint8_t>(std::clamp(std::round(x[i] * inverse) + zero, 0.0F, 15.0F));
    }
    block.set_values(q);
  }
};

}  // namespace imago::quant
