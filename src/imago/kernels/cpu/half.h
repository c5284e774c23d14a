// Floating point types narrower than float, as stored in checkpoints: bits plus conversions, no arithmetic.
// Rounding is to nearest, ties to even; values beyond the range become infinity, or the largest finite value where
// the format has none (float8_e4m3fn). For arrays use convert.h, which is vectorised.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace imago {
namespace internal {

// A sign, kExponent bits of exponent and kMantissa bits of mantissa in the low bits of an integer. kFinite marks the
// "fn" formats, which spend the largest exponent on numbers: they have no infinity, and one NaN with all bits set.
template <int kExponent, int kMantissa, bool kFinite>
struct SmallFloat {
  static constexpr int kBias = (1 << (kExponent - 1)) - 1;
  static constexpr uint32_t kSign = 1u << (kExponent + kMantissa);
  static constexpr uint32_t kInfinity = ((1u << kExponent) - 1) << kMantissa;
  static constexpr uint32_t kNaN = kFinite ? kSign - 1 : kInfinity | (1u << (kMantissa - 1));

  static constexpr uint32_t encode(float value) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    const uint32_t sign = (bits >> 31) * kSign;
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return sign | kNaN;
    constexpr int kShift = 23 - kMantissa;
    constexpr uint32_t kSmallestNormal = static_cast<uint32_t>(127 + 1 - kBias) << 23;
    uint32_t rounded;
    if (kBias < 127 && magnitude < kSmallestNormal) {
      // Adding a power of two whose last place is the subnormals' spacing makes the adder do the rounding.
      constexpr uint32_t kMagic = static_cast<uint32_t>(127 + 1 - kBias + kShift) << 23;
      rounded = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + std::bit_cast<float>(kMagic)) - kMagic;
    } else {
      const uint32_t odd = (magnitude >> kShift) & 1u;
      rounded = (magnitude + odd + ((1u << (kShift - 1)) - 1) - (static_cast<uint32_t>(127 - kBias) << 23)) >> kShift;
    }
    constexpr uint32_t kOverflow = kFinite ? kNaN - 1 : kInfinity;
    return sign | (rounded < kOverflow ? rounded : kOverflow);
  }

  static constexpr float decode(uint32_t bits) {
    const uint32_t sign = (bits & kSign) != 0 ? 0x80000000u : 0u;
    const uint32_t magnitude = bits & (kSign - 1);
    uint32_t result;
    if (kFinite ? magnitude == kNaN : magnitude >= kInfinity) {
      const uint32_t payload = kFinite ? 0x400000u : (magnitude - kInfinity) << (23 - kMantissa);
      result = 0x7f800000u | payload;
    } else if (kBias < 127 && magnitude < (1u << kMantissa)) {
      constexpr uint32_t kSpacing = static_cast<uint32_t>(127 + 1 - kBias - kMantissa) << 23;
      result = std::bit_cast<uint32_t>(static_cast<float>(magnitude) * std::bit_cast<float>(kSpacing));
    } else {
      result = (magnitude << (23 - kMantissa)) + (static_cast<uint32_t>(127 - kBias) << 23);
    }
    return std::bit_cast<float>(sign | result);
  }
};

}  // namespace internal

// The upper half of a float: 8 bits of exponent, 7 of mantissa.
struct bfloat16 {
  uint16_t bits;

  bfloat16() = default;
  constexpr explicit bfloat16(float value)
      : bits(static_cast<uint16_t>(internal::SmallFloat<8, 7, false>::encode(value))) {}
  constexpr operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
  static constexpr bfloat16 from_bits(uint16_t value) { return std::bit_cast<bfloat16>(value); }
};

// IEEE 754 binary16: 5 bits of exponent, 10 of mantissa.
struct float16 {
  uint16_t bits;

  float16() = default;
  constexpr explicit float16(float value)
      : bits(static_cast<uint16_t>(internal::SmallFloat<5, 10, false>::encode(value))) {}
  constexpr operator float() const { return internal::SmallFloat<5, 10, false>::decode(bits); }
  static constexpr float16 from_bits(uint16_t value) { return std::bit_cast<float16>(value); }
};

// 4 bits of exponent, 3 of mantissa, no infinities, largest value 448 ("FP8 Formats for Deep Learning", 2022).
struct float8_e4m3fn {
  uint8_t bits;

  float8_e4m3fn() = default;
  constexpr explicit float8_e4m3fn(float value)
      : bits(static_cast<uint8_t>(internal::SmallFloat<4, 3, true>::encode(value))) {}
  constexpr operator float() const { return internal::SmallFloat<4, 3, true>::decode(bits); }
  static constexpr float8_e4m3fn from_bits(uint8_t value) { return std::bit_cast<float8_e4m3fn>(value); }
};

// 5 bits of exponent, 2 of mantissa: a float16 without its lower byte.
struct float8_e5m2 {
  uint8_t bits;

  float8_e5m2() = default;
  constexpr explicit float8_e5m2(float value)
      : bits(static_cast<uint8_t>(internal::SmallFloat<5, 2, false>::encode(value))) {}
  constexpr operator float() const { return internal::SmallFloat<5, 2, false>::decode(bits); }
  static constexpr float8_e5m2 from_bits(uint8_t value) { return std::bit_cast<float8_e5m2>(value); }
};

static_assert(std::is_trivial_v<bfloat16> && std::is_trivial_v<float16> && sizeof(bfloat16) == 2);
static_assert(std::is_trivial_v<float8_e4m3fn> && std::is_trivial_v<float8_e5m2> && sizeof(float8_e5m2) == 1);

// What sums over elements of type T are computed in.
template <class T>
using accumulate_t = std::conditional_t<std::is_same_v<T, double>, double, float>;

}  // namespace imago
