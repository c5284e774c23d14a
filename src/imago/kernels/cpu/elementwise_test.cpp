#include "imago/kernels/cpu/elementwise.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "imago/kernels/cpu/test_targets.h"

namespace imago::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Every 9973rd float: all exponents, both signs, subnormals, infinities and NaN. Checked builds, which are slow and do
// not look for the last digit, take fewer.
#ifdef IMAGO_SANITIZED
constexpr uint64_t kSampleStep = 299993;
#else
constexpr uint64_t kSampleStep = 9973;
#endif
const std::vector<float>& sampled_floats() {
  static const std::vector<float> values = [] {
    std::vector<float> result;
    for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += kSampleStep) {
      result.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    }
    for (float value : {0.0f, -0.0f, 1.0f, -1.0f, kInfinity, -kInfinity, kNaN}) result.push_back(value);
    return result;
  }();
  return values;
}

// How many units in the last place of float `value` is away from `exact`.
double error_in_ulp(float value, double exact) {
  const float rounded = static_cast<float>(exact);
  if (std::isnan(exact)) return std::isnan(value) ? 0 : kInfinity;
  if (std::isinf(rounded) || std::isinf(value)) return value == rounded ? 0 : kInfinity;
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::abs(value - exact) / std::ldexp(1.0, std::max(exponent, -125) - 24);
}

using Kernel = void (*)(const float*, float*, int64_t);

// The worst error over the samples, in units in the last place, must not exceed the bound. With `argument_error`, a
// value counts that is exact for an argument so many units away from the given one.
void check(Kernel kernel, double (*exact)(double), double bound, double argument_error = 0) {
  const std::vector<float>& input = sampled_floats();
  std::vector<float> output(input.size());
  for_each_target([&] {
    kernel(input.data(), output.data(), static_cast<int64_t>(input.size()));
    double worst = 0, at = 0;
    for (size_t i = 0; i < input.size(); ++i) {
      const double x = input[i], spread = argument_error * 0x1p-23;
      double error = error_in_ulp(output[i], exact(x));
      if (argument_error != 0 && error > bound) {
        const double low = exact(x * (1 - spread)), high = exact(x * (1 + spread));
        if ((low <= output[i]) == (output[i] <= high)) continue;
        error = std::min(error_in_ulp(output[i], low), error_in_ulp(output[i], high));
      }
      if (error > worst) worst = error, at = x;
    }
    EXPECT_LE(worst, bound) << "at " << at;
  });
}

// What is computed in double ends within half a unit, but for the few cases near a tie.
constexpr double kBound = 0.51;
// What is computed in float.
constexpr double kFloatBound = 2.5;

TEST(Elementwise, Exp) {
  check(
      exp<float>, [](double x) { return std::exp(x); }, kFloatBound);
}
TEST(Elementwise, Expm1) {
  check(
      expm1<float>, [](double x) { return std::expm1(x); }, kBound);
}
TEST(Elementwise, Log) {
  check(
      log<float>, [](double x) { return std::log(x); }, kFloatBound);
}
TEST(Elementwise, Log1p) {
  check(
      log1p<float>, [](double x) { return std::log1p(x); }, kFloatBound);
}
TEST(Elementwise, Sqrt) {
  check(
      sqrt<float>, [](double x) { return std::sqrt(x); }, 0.5);
}
TEST(Elementwise, Rsqrt) {
  check(
      rsqrt<float>, [](double x) { return 1 / std::sqrt(x); }, kFloatBound);
}
TEST(Elementwise, Sin) {
  check(
      sin<float>, [](double x) { return std::sin(x); }, kBound);
}
TEST(Elementwise, Cos) {
  check(
      cos<float>, [](double x) { return std::cos(x); }, kBound);
}
TEST(Elementwise, Tanh) {
  check(
      tanh<float>, [](double x) { return std::tanh(x); }, kFloatBound);
}
TEST(Elementwise, Erf) {
  check(
      erf<float>, [](double x) { return std::erf(x); }, kFloatBound);
}
TEST(Elementwise, Sigmoid) {
  check(
      sigmoid<float>, [](double x) { return 1 / (1 + std::exp(-x)); }, kFloatBound);
}
TEST(Elementwise, Softplus) {
  check(
      softplus<float>, [](double x) { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::abs(x))); }, kFloatBound);
}
TEST(Elementwise, Silu) {
  check(
      silu<float>, [](double x) { return x / (1 + std::exp(-x)); }, kFloatBound);
}
TEST(Elementwise, Gelu) {
  check(
      gelu<float>, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }, 4.5, 1);
}
TEST(Elementwise, GeluTanh) {
  // The same formula with tanh written as a quotient: 1 + tanh itself would lose the left tail's digits even in double.
  const auto exact = [](double x) { return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); };
  check(gelu_tanh<float>, exact, kFloatBound, 1);
}
TEST(Elementwise, Relu) {
  check(
      relu<float>, [](double x) { return x < 0 ? 0 : x; }, 0);
}

// What rotary embeddings ask for at long contexts.
TEST(Elementwise, SinAndCosOfPositions) {
  std::vector<float> input;
  for (float position = 0; position < 4e6f; position += 37) input.push_back(position);
  std::vector<float> sines(input.size()), cosines(input.size());
  sin(input.data(), sines.data(), static_cast<int64_t>(input.size()));
  cos(input.data(), cosines.data(), static_cast<int64_t>(input.size()));
  for (size_t i = 0; i < input.size(); ++i) {
    ASSERT_LE(error_in_ulp(sines[i], std::sin(static_cast<double>(input[i]))), kBound) << input[i];
    ASSERT_LE(error_in_ulp(cosines[i], std::cos(static_cast<double>(input[i]))), kBound) << input[i];
  }
}

TEST(Elementwise, ReluKeepsNaN) {
  const float input[] = {kNaN, -1, 2};
  float output[3];
  relu(input, output, 3);
  EXPECT_TRUE(std::isnan(output[0]));
  EXPECT_EQ(output[1], 0.0f);
  EXPECT_EQ(output[2], 2.0f);
}

TEST(Elementwise, Binary) {
  for_each_target([] {
    std::vector<float> a, b;
    for (int i = 0; i < 19; ++i)
      a.push_back(static_cast<float>(i) - 7.25f), b.push_back(static_cast<float>(i % 5) - 1.5f);
    a[3] = kNaN, b[4] = kNaN, a[5] = kInfinity, b[5] = -kInfinity;
    std::vector<float> c(19);
    const auto same = [](float x, float y) { return x == y || (std::isnan(x) && std::isnan(y)); };
    const auto check_all = [&](auto kernel, auto plain) {
      kernel(a.data(), b.data(), c.data(), 19);
      for (size_t i = 0; i < 19; ++i) EXPECT_TRUE(same(c[i], plain(a[i], b[i]))) << a[i] << " " << b[i] << " " << c[i];
    };
    const auto nan_or = [](float x, float y, float z) { return std::isnan(x) || std::isnan(y) ? kNaN : z; };
    check_all(add<float>, [](float x, float y) { return x + y; });
    check_all(subtract<float>, [](float x, float y) { return x - y; });
    check_all(multiply<float>, [](float x, float y) { return x * y; });
    check_all(divide<float>, [](float x, float y) { return x / y; });
    check_all(maximum<float>, [&](float x, float y) { return nan_or(x, y, std::fmax(x, y)); });
    check_all(minimum<float>, [&](float x, float y) { return nan_or(x, y, std::fmin(x, y)); });
    silu_multiply(a.data(), b.data(), c.data(), 19);
    EXPECT_LE(error_in_ulp(c[0], a[0] / (1 + std::exp(-static_cast<double>(a[0]))) * b[0]), kFloatBound);
    add_scalar(a.data(), 0.5, c.data(), 19);
    EXPECT_EQ(c[18], a[18] + 0.5f);
    multiply_scalar(a.data(), 0.1, c.data(), 19);
    EXPECT_EQ(c[18], a[18] * 0.1f);
  });
}

// One rounding at the end: the narrow result is the rounded exact one, over more than one chunk of conversion.
TEST(Elementwise, NarrowTypesRoundOnce) {
  for_each_target([] {
    std::vector<bfloat16> input;
    for (int i = 0; i < 1501; ++i) input.push_back(bfloat16(static_cast<float>(i - 700) * 0.01f));
    std::vector<bfloat16> output(input.size());
    gelu(input.data(), output.data(), 1501);
    for (size_t i = 0; i < input.size(); ++i) {
      const double x = static_cast<float>(input[i]);
      EXPECT_EQ(output[i].bits, bfloat16(static_cast<float>(0.5 * x * std::erfc(-x / std::sqrt(2.0)))).bits) << x;
    }
    add(input.data(), input.data(), input.data(), 1501);  // in place
    EXPECT_EQ(static_cast<float>(input[0]), -14.0f);
    EXPECT_EQ(static_cast<float>(input[800]), 2.0f);
  });
}

TEST(Elementwise, Double) {
  const double input[] = {-1.5, 0.25, 3};
  double output[3];
  tanh(input, output, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(output[i], std::tanh(input[i]));
  multiply(input, input, output, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(output[i], input[i] * input[i]);
}

}  // namespace
}  // namespace imago::kernels
