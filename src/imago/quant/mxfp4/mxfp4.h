// MXFP4 (OCP Microscaling Formats 1.0): 32 floats of 4 bits (2 of exponent, 1 of mantissa) and a power of two; 4.25
// bits per weight.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "imago/quant/format.h"
#include "imago/quant/nibbles.h"

namespace imago::quant {

struct MXFP4 {
  static constexpr const char* kName = "mxfp4";
  static constexpr uint32_t kGgmlType = 39;
  static constexpr int64_t kElements = 32, kGroup = 32;
  static constexpr bool kHasOffset = false;

  struct Block {
    uint8_t exponent;  // of twice the scale, biased by 127
    uint8_t nibbles[16];
  };
  static_assert(sizeof(Block) == 17);

  // The floats doubled, which makes integers of them.
  static constexpr int8_t kDoubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

  static float half_power(uint8_t exponent) {
    return exponent < 2 ? std::bit_cast<float>(0x00200000u << exponent)
                        : std::bit_cast<float>(static_cast<uint32_t>(exponent - 1) << 23);
  }

  static void encode(const float* x, Block& block) {
    float largest = 0;
    for (int i = 0; i < kElements; ++i) largest = std::max(largest, std::abs(x[i]));
    const float exponent = largest > 0 ? std::floor(std::log2(largest)) + 125 : 0;
    block.exponent = static_cast<uint8_t>(std::clamp(exponent, 0.0F, 254.0F));
    const float scale = half_power(block.exponent);
    uint8_t q[kElements];
    for (int i = 0; i < kElements; ++i) {
      const auto error = [&](int index) { return std::abs(scale * static_cast<float>(kDoubled[index]) - x[i]); };
      int best = 0;
      for (int index = 1; index < 16; ++index) {
        if (error(index) < error(best)) best = index;
      }
      q[i] = static_cast<uint8_t>(best);
    }
    pack_nibbles(q, block.nibbles);
  }
};

}  // namespace imago::quant
