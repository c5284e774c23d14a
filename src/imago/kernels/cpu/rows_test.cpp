// The kernels over rows: softmax, norms, reductions and rotary embedding, against plain loops in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "imago/kernels/cpu/half.h"
#include "imago/kernels/cpu/norm.h"
#include "imago/kernels/cpu/reduce.h"
#include "imago/kernels/cpu/rotary.h"
#include "imago/kernels/cpu/softmax.h"
#include "imago/kernels/cpu/test_targets.h"

namespace imago::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kSizes[] = {1, 2, 7, 8, 31, 64, 100, 1023, 4097};

// Half a unit in the last place, relative.
template <class T>
constexpr double roundoff() {
  if (std::is_same_v<T, double>) return 0x1p-53;
  if (std::is_same_v<T, float>) return 0x1p-24;
  return std::is_same_v<T, float16> ? 0x1p-11 : 0x1p-8;
}

template <class T>
std::vector<T> random_vector(int64_t size, uint32_t seed, float scale = 1, float mean = 0) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(mean, scale);
  std::vector<T> values;
  for (int64_t i = 0; i < size; ++i) values.push_back(T(distribution(generator)));
  return values;
}

// The bound is a few roundings of what is summed in, plus one of the type.
template <class T>
void expect_close(const std::vector<T>& output, const std::vector<double>& expected, double roundings, double scale) {
  ASSERT_EQ(output.size(), expected.size());
  for (size_t i = 0; i < output.size(); ++i) {
    const double bound = roundings * roundoff<accumulate_t<T>>() * std::max(scale, std::abs(expected[i])) +
                         1.01 * roundoff<T>() * std::abs(expected[i]) + (sizeof(T) == 2 ? 0x1p-25 : 1e-40);
    ASSERT_NEAR(static_cast<double>(output[i]), expected[i], bound) << "at " << i << " of " << output.size();
  }
}

template <class T>
void check_softmax() {
  for_each_target([] {
    for (int64_t size : kSizes) {
      const int64_t rows = 3;
      const auto input = random_vector<T>(rows * size, 1, 4);
      std::vector<T> output(input.size()), log_output(input.size());
      softmax_rows(input.data(), output.data(), rows, size);
      log_softmax_rows(input.data(), log_output.data(), rows, size);
      std::vector<double> expected, log_expected;
      for (int64_t row = 0; row < rows; ++row) {
        const T* x = input.data() + row * size;
        long double largest = -kInfinity, sum = 0;
        for (int64_t i = 0; i < size; ++i) largest = std::max(largest, static_cast<long double>(x[i]));
        for (int64_t i = 0; i < size; ++i) sum += std::exp(static_cast<long double>(x[i]) - largest);
        for (int64_t i = 0; i < size; ++i) {
          const long double logarithm = static_cast<long double>(x[i]) - largest - std::log(sum);
          log_expected.push_back(static_cast<double>(logarithm));
          expected.push_back(static_cast<double>(std::exp(logarithm)));
        }
      }
      // The subtraction of the maximum, up to 32 in size, is rounded before the exponential.
      expect_close(output, expected, 24, 0);
      expect_close(log_output, log_expected, 4, 8);
    }
  });
}

TEST(Softmax, Float) { check_softmax<float>(); }
TEST(Softmax, Bfloat16) { check_softmax<bfloat16>(); }
TEST(Softmax, Float16) { check_softmax<float16>(); }
TEST(Softmax, Double) { check_softmax<double>(); }

TEST(Softmax, InfinitiesAndNaN) {
  for_each_target([] {
    std::vector<float> x(11, 0.0f);
    x[2] = -kInfinity;
    softmax_rows(x.data(), x.data(), 1, 11);
    EXPECT_EQ(x[2], 0.0f);
    EXPECT_FLOAT_EQ(x[3], 0.1f);
    x[5] = kNaN;
    softmax_rows(x.data(), x.data(), 1, 11);
    for (float value : x) EXPECT_TRUE(std::isnan(value));
    std::fill(x.begin(), x.end(), -kInfinity);
    softmax_rows(x.data(), x.data(), 1, 11);
    for (float value : x) EXPECT_TRUE(std::isnan(value));
    std::fill(x.begin(), x.end(), 1000.0f);
    softmax_rows(x.data(), x.data(), 1, 11);
    for (float value : x) EXPECT_FLOAT_EQ(value, 1.0f / 11);
  });
}

template <class T>
void check_norms() {
  for_each_target([] {
    for (int64_t size : kSizes) {
      const int64_t rows = 2;
      // A mean far from zero, where one-pass variances fail.
      const auto input = random_vector<T>(rows * size, 1, 2, 100);
      const auto weight = random_vector<T>(size, 2);
      const auto bias = random_vector<T>(size, 3);
      std::vector<T> rms(input.size()), gemma(input.size()), layer(input.size()), plain(input.size());
      rms_norm_rows(input.data(), weight.data(), rms.data(), rows, size, 1e-6);
      rms_norm_rows(input.data(), weight.data(), gemma.data(), rows, size, 1e-6, 1);
      layer_norm_rows(input.data(), weight.data(), bias.data(), layer.data(), rows, size, 1e-5);
      layer_norm_rows<T>(input.data(), nullptr, nullptr, plain.data(), rows, size, 1e-5);
      std::vector<double> rms_expected, gemma_expected, layer_expected, plain_expected;
      for (int64_t row = 0; row < rows; ++row) {
        const T* x = input.data() + row * size;
        const long double n = static_cast<long double>(size);
        long double squares = 0, mean = 0, variance = 0;
        for (int64_t i = 0; i < size; ++i)
          squares += static_cast<long double>(x[i]) * static_cast<long double>(x[i]) / n;
        for (int64_t i = 0; i < size; ++i) mean += static_cast<long double>(x[i]) / n;
        for (int64_t i = 0; i < size; ++i) variance += std::pow(static_cast<long double>(x[i]) - mean, 2) / n;
        for (int64_t i = 0; i < size; ++i) {
          const long double w = weight[static_cast<size_t>(i)], b = bias[static_cast<size_t>(i)], value = x[i];
          const long double normal = (value - mean) / std::sqrt(variance + 1e-5);
          rms_expected.push_back(static_cast<double>(value / std::sqrt(squares + 1e-6) * w));
          gemma_expected.push_back(static_cast<double>(value / std::sqrt(squares + 1e-6) * (w + 1)));
          plain_expected.push_back(static_cast<double>(normal));
          layer_expected.push_back(static_cast<double>(normal * w + b));
        }
      }
      expect_close(rms, rms_expected, 8, 0);
      expect_close(gemma, gemma_expected, 8, 1);
      // The mean of elements around 100 rounds at 100 units; deviations of size 2 feel it. One element has no
      // deviation, and its rounding is divided by the root of eps.
      const double scale = size <= 2 ? 320 * 4 : 50 * 4;
      expect_close(plain, plain_expected, 2, scale);
      expect_close(layer, layer_expected, 2, 3 * scale);
    }
  });
}

TEST(Norm, Float) { check_norms<float>(); }
TEST(Norm, Bfloat16) { check_norms<bfloat16>(); }
TEST(Norm, Float16) { check_norms<float16>(); }
TEST(Norm, Double) { check_norms<double>(); }

template <class T>
void check_reductions() {
  for_each_target([] {
    for (int64_t size : kSizes) {
      const auto a = random_vector<T>(size, 1), b = random_vector<T>(size, 2);
      long double total = 0, squares = 0, product = 0, magnitude = 0, products = 0;
      for (size_t i = 0; i < a.size(); ++i) {
        const long double x = a[i], y = b[i];
        total += x, magnitude += std::abs(x), squares += x * x, product += x * y, products += std::abs(x * y);
      }
      // At most 32 additions in a chain and a dozen levels of pairs; roundings mostly cancel.
      const double u = 16 * roundoff<accumulate_t<T>>();
      EXPECT_NEAR(sum(a.data(), size), static_cast<double>(total), static_cast<double>(u * magnitude));
      EXPECT_NEAR(sum_of_squares(a.data(), size), static_cast<double>(squares), static_cast<double>(u * squares));
      EXPECT_NEAR(dot(a.data(), b.data(), size), static_cast<double>(product), static_cast<double>(u * products));
      const auto less = [](T x, T y) { return static_cast<double>(x) < static_cast<double>(y); };
      const auto largest = std::max_element(a.begin(), a.end(), less),
                 smallest = std::min_element(a.begin(), a.end(), less);
      EXPECT_EQ(max(a.data(), size), static_cast<accumulate_t<T>>(*largest));
      EXPECT_EQ(min(a.data(), size), static_cast<accumulate_t<T>>(*smallest));
      EXPECT_EQ(argmax(a.data(), size), largest - a.begin());
      EXPECT_EQ(argmin(a.data(), size), smallest - a.begin());
    }
  });
}

TEST(Reduce, Float) { check_reductions<float>(); }
TEST(Reduce, Bfloat16) { check_reductions<bfloat16>(); }
TEST(Reduce, Float16) { check_reductions<float16>(); }
TEST(Reduce, Double) { check_reductions<double>(); }

TEST(Reduce, NaNWins) {
  for_each_target([] {
    for (size_t at : {size_t{0}, size_t{5}, size_t{16}, size_t{20}}) {
      std::vector<float> x(21, 1.0f);
      x[3] = kInfinity, x[4] = -kInfinity;
      EXPECT_EQ(max(x.data(), 21), kInfinity);
      EXPECT_EQ(min(x.data(), 21), -kInfinity);
      x[at] = kNaN;
      EXPECT_TRUE(std::isnan(max(x.data(), 21)));
      EXPECT_TRUE(std::isnan(min(x.data(), 21)));
      EXPECT_EQ(argmax(x.data(), 21), static_cast<int64_t>(at));
    }
    const std::vector<float> hidden(5, -kInfinity);
    EXPECT_EQ(max(hidden.data(), 5), -kInfinity);
    EXPECT_EQ(argmax(hidden.data(), 5), 0);
    EXPECT_EQ(sum<float>(nullptr, 0), 0.0f);
  });
}

template <class T>
void check_rotary(RotaryPairs pairs) {
  const int64_t rows = 3, size = 10, half = size / 2, stride = 13;
  const auto input = random_vector<T>(rows * stride, 1);
  const auto cos = random_vector<float>(half, 2), sin = random_vector<float>(half, 3);
  auto output = input;  // in place, and the gap between rows must stay
  rotary_rows(output.data(), stride, cos.data(), sin.data(), output.data(), stride, rows, size, pairs);
  std::vector<double> expected(input.begin(), input.end());
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < half; ++i) {
      const bool halves = pairs == RotaryPairs::kHalves;
      const size_t first = static_cast<size_t>(row * stride + (halves ? i : 2 * i));
      const size_t second = first + static_cast<size_t>(halves ? half : 1);
      const double x = input[first], y = input[second];
      const double c = cos[static_cast<size_t>(i)], s = sin[static_cast<size_t>(i)];
      expected[first] = x * c - y * s;
      expected[second] = y * c + x * s;
    }
  }
  expect_close(output, expected, 3, 4);
}

TEST(Rotary, BothPairings) {
  for (RotaryPairs pairs : {RotaryPairs::kHalves, RotaryPairs::kInterleaved}) {
    check_rotary<float>(pairs);
    check_rotary<bfloat16>(pairs);
    check_rotary<float16>(pairs);
    check_rotary<double>(pairs);
  }
}

}  // namespace
}  // namespace imago::kernels
