// 32 values of 8 bits, a zero point and a scale: what GPTQ weights of 8 bits are repacked to, whose groups are
// multiples of 32; 8.75 bits per weight.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "imago/quant/format.h"
#include "imago/quant/scale.h"

namespace imago::quant {

struct GroupedInt8 {
  static constexpr const char* kName = "grouped_int8";
  static constexpr int64_t kElements = 32, kGroup = 32;
  static constexpr bool kHasOffset = true;
  // Values are stored less this, in eight bits with a sign. Scales have 11 bits, so that the products with the value
  // and with the zero point, and their difference, are exact.
  static constexpr int kMiddle = 128;

  struct Block {
    uint8_t scale_bytes[2];  // a float16, in bytes so that the block has no padding
    uint8_t zero;
    int8_t values[32];

    float16 scale() const {
      float16 value;
      std::memcpy(&value, scale_bytes, sizeof(value));
      return value;
    }
    void set_scale(float16 value) { std::memcpy(scale_bytes, &value, sizeof(value)); }
    void set_values(const uint8_t* q) {
      for (int i = 0; i < kElements; ++i) values[i] = static_cast<int8_t>(q[i] - kMiddle);
    }
  };
  static_assert(sizeof(Block) == 35);

  // From the smallest to the largest value and zero, as the methods' own starting point.
  static void encode(const float* x, Block& block) {
    const float least = std::min(0.0F, *std::min_element(x, x + kElements));
    const float most = std::max(0.0F, *std::max_element(x, x + kElements));
    block.set_scale(float16((most - least) / 255));
    const float inverse = reciprocal(block.scale());
    const float zero = std::clamp(std::round(-least * inverse), 0.0F, 255.0F);
    block.zero = static_cast<uint8_t>(zero);
    uint8_t q[kElements];
    for (int i = 0; i < kElements; ++i) {
      q[i] = static_cast<uint8_t>(std::clamp(std::round(x[i] * inverse) + zero, 0.0F, 255.0F));
    }
    block.set_values(q);
  }
};

}  // namespace imago::quant
