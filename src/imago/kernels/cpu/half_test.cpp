#include "imago/kernels/cpu/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace imago {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Every finite value survives the round trip; halfway between two neighbours goes to the even one, and anything beside
// halfway to the nearer.
template <class Small, class Bits>
void check_all_values(int count) {
  for (int i = 0; i < count; ++i) {
    const Small small = Small::from_bits(static_cast<Bits>(i));
    const float value = small;
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(static_cast<float>(Small(value)))) << i;
      continue;
    }
    ASSERT_EQ(Small(value).bits, i);
    const float next = Small::from_bits(static_cast<Bits>(i + 1));
    if (!std::isfinite(value) || !std::isfinite(next) || std::signbit(value) != std::signbit(next)) continue;
    const float halfway = static_cast<float>((static_cast<double>(value) + next) / 2);
    ASSERT_EQ(Small(halfway).bits, i % 2 == 0 ? i : i + 1) << value;
    ASSERT_EQ(Small(std::nextafter(halfway, value)).bits, i) << value;
    ASSERT_EQ(Small(std::nextafter(halfway, next)).bits, i + 1) << value;
  }
}

TEST(Half, Bfloat16RoundsToNearestEven) { check_all_values<bfloat16, uint16_t>(0x10000); }
TEST(Half, Float16RoundsToNearestEven) { check_all_values<float16, uint16_t>(0x10000); }
TEST(Half, Float8E4M3RoundsToNearestEven) { check_all_values<float8_e4m3fn, uint8_t>(0x100); }
TEST(Half, Float8E5M2RoundsToNearestEven) { check_all_values<float8_e5m2, uint8_t>(0x100); }

TEST(Half, KnownValues) {
  EXPECT_EQ(float16(1.0f).bits, 0x3c00);
  EXPECT_EQ(float16(65504.0f).bits, 0x7bff);
  EXPECT_EQ(float16(5.9604645e-8f).bits, 1);
  EXPECT_EQ(bfloat16(1.0f).bits, 0x3f80);
  EXPECT_EQ(bfloat16(-3.140625f).bits, 0xc049);
  EXPECT_EQ(static_cast<float>(float8_e4m3fn::from_bits(0x7e)), 448.0f);
  EXPECT_EQ(static_cast<float>(float8_e5m2::from_bits(0x7b)), 57344.0f);
}

// The expected bits are torch's, whose float8_e4m3fn saturates.
TEST(Half, Overflow) {
  EXPECT_EQ(float16(65519.0f).bits, 0x7bff);
  EXPECT_EQ(float16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(float16(-1e9f).bits, 0xfc00);
  EXPECT_EQ(bfloat16(3.4028235e38f).bits, 0x7f80);
  EXPECT_EQ(bfloat16(-kInfinity).bits, 0xff80);
  EXPECT_EQ(float8_e4m3fn(464.0f).bits, 0x7e);
  EXPECT_EQ(float8_e4m3fn(465.0f).bits, 0x7e);
  EXPECT_EQ(float8_e4m3fn(1e9f).bits, 0x7e);
  EXPECT_EQ(float8_e4m3fn(-kInfinity).bits, 0xfe);
  EXPECT_EQ(float8_e5m2(61439.0f).bits, 0x7b);
  EXPECT_EQ(float8_e5m2(61440.0f).bits, 0x7c);
}

}  // namespace
}  // namespace imago
