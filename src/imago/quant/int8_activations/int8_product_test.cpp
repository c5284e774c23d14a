// Sums of 8-bit products are exact, on every instruction set; and what is odd comes through.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "imago/base/error.h"
#include "imago/kernels/cpu/test_targets.h"
#include "imago/quant/bitnet/ternary_product.h"
#include "imago/quant/int8_activations/int8_matrix.h"
#include "imago/quant/int8_activations/int8_product.h"
#include "imago/quant/vnni.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

template <class T>
std::vector<T> random_integers(int64_t count, int low, int high) {
  std::mt19937 generator(5);
  std::uniform_int_distribution<int> distribution(low, high);
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) value = static_cast<T>(distribution(generator));
  return values;
}

void for_each_way(const std::function<void()>& body) {
  kernels::for_each_target([&] {
    body();
    allow_vnni(false);
    body();
    allow_vnni(true);
  });
}

// Activations that are integers already, with the largest in every row, so that they stay as they are.
void check_sums(int64_t m, int64_t rows, int64_t columns) {
  SCOPED_TRACE(testing::Message() << m << ", " << rows << ", " << columns);
  const auto w = random_integers<int8_t>(rows * columns, -128, 127);
  auto x = random_integers<float>(m * columns, -127, 126);
  for (int64_t i = 0; i < m; ++i) x[static_cast<size_t>(i * columns)] = -127;
  const Int8Weight weight(rows, columns,
                          [&](int64_t row, int8_t* to) { std::copy_n(w.data() + row * columns, columns, to); });
  const std::vector<float> factor(static_cast<size_t>(rows), 0.5F), bias(static_cast<size_t>(rows), 3);
  std::vector<float> y(static_cast<size_t>(m * rows));
  const auto round = [](float largest) { return RowRounding{.divisor = largest / 127, .step = largest / 127}; };
  weight.multiply(x.data(), m, columns, round, factor.data(), bias.data(), y.data());
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t r = 0; r < rows; ++r) {
      int64_t sum = 0;
      for (int64_t k = 0; k < columns; ++k) {
        sum += w[static_cast<size_t>(r * columns + k)] * static_cast<int64_t>(x[static_cast<size_t>(i * columns + k)]);
      }
      ASSERT_EQ(y[static_cast<size_t>(i * rows + r)], static_cast<float>(sum) * 0.5F + 3) << i << ", " << r;
    }
  }
}

TEST(Int8Product, SumsInEveryInstructionSet) {
  for_each_way([] {
    check_sums(1, 1, 1);
    check_sums(1, 130, 67);
    check_sums(7, 16, 64);
    check_sums(13, 81, 258);
    check_sums(100, 33, 96);
  });
}

TEST(Int8Product, OddActivations) {
  const Tensor codes = Tensor::full({3, 8}, 2, DType::i8), scales = Tensor::full({3, 1}, 0.5);
  const Tensor weight = int8_weight_with_activations(codes, scales, DType::f32);
  std::vector<float> x(16, 1), y(6);
  x[9] = HUGE_VALF;
  const auto product = [&] { weight.encoding()->multiply(x.data(), 2, 8, nullptr, y.data()); };
  product();
  EXPECT_NEAR(y[0], 8, 8 * 0.5 / 127.5 + 1e-5);  // 127.5 steps become 127
  EXPECT_TRUE(std::isnan(y[3]));
  std::fill(x.begin(), x.end(), 0.0F);
  product();
  EXPECT_EQ(y[0], 0);
  EXPECT_THROW(int8_weight_with_activations(codes, Tensor::full({2, 1}, 0.5), DType::f32), Error);
  EXPECT_THROW(
      int8_weight_with_activations(Tensor::zeros({1, Int8Weight::kMaxColumns + 1}, DType::i8), scales, DType::f32),
      Error);
}

// The scale of a row is its largest magnitude over 127.5, which that magnitude is divided by in float: 127.499992 here.
TEST(Int8Product, EncodesWithinHalfAStep) {
  const Tensor weight = Tensor::from<float>({0.3F, -1, 0.25F, 0, 0, 0}, {2, 3});
  const RowScaledTensors parts = encode_row_scaled_int8(weight);
  EXPECT_EQ(parts.codes.to_vector<int8_t>(), (std::vector<int8_t>{38, -127, 32, 0, 0, 0}));
  const std::vector<float> scales = parts.scales.to_vector<float>();
  EXPECT_EQ(scales[0], 1 / 127.5F);
  EXPECT_EQ(scales[1], std::numeric_limits<float>::epsilon());
  EXPECT_THROW(encode_row_scaled_int8(Tensor::full({1, 1}, HUGE_VAL)), Error);
}

TEST(TernaryProduct, SumsInEveryInstructionSet) {
  for_each_way([] {
    for (const int64_t columns : {1, 63, 64, 200}) {
      const int64_t stride = (columns + kTernaryBytes - 1) / kTernaryBytes * kTernaryBytes;
      const auto w = random_integers<uint8_t>(columns, 0, 255);
      auto x = random_integers<int8_t>(kTernaryRows * stride, -128, 127);
      for (int64_t i = 0; i < kTernaryRows; ++i) {
        std::fill(x.begin() + i * stride + columns, x.begin() + (i + 1) * stride, int8_t{0});
      }
      for (int rows = 1; rows <= kTernaryRows; ++rows) {
        int32_t sums[4 * kTernaryRows];
        multiply_ternary(w.data(), columns, x.data(), stride, rows, sums);
        for (int at = 0; at < 4 * rows; ++at) {
          int32_t sum = 0;
          for (int64_t k = 0; k < columns; ++k) {
            sum += (w[static_cast<size_t>(k)] >> at % 4 * 2 & 3) * x[static_cast<size_t>(at / 4 * stride + k)];
          }
          ASSERT_EQ(sums[at], sum) << columns << ", " << rows << ", " << at;
        }
      }
    }
  });
}

}  // namespace
}  // namespace imago::quant
