#include "imago/kernels/cpu/triangular.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace imago::kernels {
namespace {

std::vector<float> positive_definite(int64_t n) {
  std::mt19937 generator(static_cast<uint32_t>(n));
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(2 * n * n)), a(static_cast<size_t>(n * n));
  for (float& value : x) value = normal(generator);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = i == j ? 0.1 : 0;
      for (int64_t p = 0; p < 2 * n; ++p) {
        sum += static_cast<double>(x[static_cast<size_t>(p * n + i)]) * x[static_cast<size_t>(p * n + j)] /
               static_cast<double>(2 * n);
      }
      a[static_cast<size_t>(i * n + j)] = static_cast<float>(sum);
    }
  }
  return a;
}

// Below one block, blocks with a rest, and recursion that does not halve evenly.
TEST(Triangular, FactorAndInverse) {
  for (const int64_t n : {1, 5, 64, 65, 200, 321}) {
    SCOPED_TRACE(n);
    const std::vector<float> a = positive_definite(n);
    std::vector<float> l = a;
    ASSERT_TRUE(cholesky(l.data(), n));
    const auto at = [n](const std::vector<float>& m, int64_t i, int64_t j) {
      return static_cast<double>(m[static_cast<size_t>(i * n + j)]);
    };
    double worst = 0;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        double sum = 0;
        for (int64_t p = 0; p <= j; ++p) sum += at(l, i, p) * at(l, j, p);
        worst = std::max(worst, std::abs(sum - at(a, i, j)));
      }
    }
    EXPECT_LT(worst, 1e-5);
    std::vector<float> inverse = l;
    invert_lower(inverse.data(), n);
    worst = 0;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t p = 0; p <= i; ++p) sum += at(l, i, p) * at(inverse, p, j);
        worst = std::max(worst, std::abs(sum - (i == j ? 1 : 0)));
      }
    }
    EXPECT_LT(worst, 1e-4);
  }
}

TEST(Triangular, NoFactor) {
  std::vector<float> a = positive_definite(100);
  a[70 * 100 + 70] = -1;
  EXPECT_FALSE(cholesky(a.data(), 100));
  a[70 * 100 + 70] = std::nanf("");
  EXPECT_FALSE(cholesky(a.data(), 100));
}

}  // namespace
}  // namespace imago::kernels
