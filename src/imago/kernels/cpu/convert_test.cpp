#include "imago/kernels/cpu/convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "imago/kernels/cpu/test_targets.h"

namespace imago::kernels {
namespace {

// Floats around every rounding decision: each upper half with lower halves below, at and above the ties.
std::vector<float> awkward_floats() {
  std::vector<float> values;
  for (uint32_t upper = 0; upper < 0x10000; upper += 3) {
    for (uint32_t lower : {0u, 1u, 0xfffu, 0x1000u, 0x1001u, 0x7fffu, 0x8000u, 0x8001u, 0xf000u, 0xffffu}) {
      values.push_back(std::bit_cast<float>(upper << 16 | lower));
    }
  }
  values.push_back(1.0f);  // an odd number of values, so that there is a tail
  return values;
}

template <class Small>
void check_narrowing() {
  const std::vector<float> input = awkward_floats();
  std::vector<Small> output(input.size());
  for_each_target([&] {
    convert(input.data(), output.data(), static_cast<int64_t>(input.size()));
    for (size_t i = 0; i < input.size(); ++i) {
      const Small expected(input[i]);
      if (std::isnan(input[i])) {
        ASSERT_TRUE(std::isnan(static_cast<float>(output[i])));
      } else {
        ASSERT_EQ(output[i].bits, expected.bits) << input[i];
      }
    }
  });
}

template <class Small>
void check_widening(int count) {
  std::vector<Small> input;
  for (int i = 0; i < count; ++i) {
    input.push_back(Small::from_bits(static_cast<decltype(Small::bits)>(i)));
  }
  input.push_back(Small(1.0f));
  std::vector<float> output(input.size());
  for_each_target([&] {
    convert(input.data(), output.data(), static_cast<int64_t>(input.size()));
    for (size_t i = 0; i < input.size(); ++i) {
      const float expected = input[i];
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(output[i])) << i;
      } else {
        ASSERT_EQ(std::bit_cast<uint32_t>(output[i]), std::bit_cast<uint32_t>(expected)) << i;
      }
    }
  });
}

TEST(Convert, Bfloat16) {
  check_narrowing<bfloat16>();
  check_widening<bfloat16>(0x10000);
}

TEST(Convert, Float16) {
  check_narrowing<float16>();
  check_widening<float16>(0x10000);
}

TEST(Convert, Float8) {
  check_narrowing<float8_e4m3fn>();
  check_narrowing<float8_e5m2>();
  check_widening<float8_e4m3fn>(0x100);
  check_widening<float8_e5m2>(0x100);
}

TEST(Convert, Empty) {
  convert(static_cast<const float*>(nullptr), static_cast<bfloat16*>(nullptr), 0);
  convert(static_cast<const float*>(nullptr), static_cast<float*>(nullptr), 0);
}

}  // namespace
}  // namespace imago::kernels
