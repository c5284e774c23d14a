#include "imago/kernels/cpu/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/test_targets.h"

namespace imago::kernels {
namespace {

template <class T>
constexpr double unit_roundoff() {
  if (std::is_same_v<T, double>) return 0x1p-53;
  if (std::is_same_v<T, float>) return 0x1p-24;
  return std::is_same_v<T, float16> ? 0x1p-11 : 0x1p-8;
}

template <class T>
std::vector<T> random_vector(int64_t size, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<T> values;
  for (int64_t i = 0; i < size; ++i) values.push_back(T(distribution(generator)));
  return values;
}

struct Case {
  int64_t m, n, k;
  bool transpose_a, transpose_b, accumulate, bias;
  int64_t batch = 1;
};

// Against plain sums in double. The bound is that of blocked summation, |error| <= (k / 8 + 8) u sum|a b|, plus the
// rounding to C; a plain running sum would be allowed eight times more.
template <class A, class B, class C>
void check(const Case& test) {
  const int64_t lda = (test.transpose_a ? test.m : test.k) + 3;
  const int64_t ldb = (test.transpose_b ? test.k : test.n) + 5;
  const int64_t ldc = test.n + 2;
  Gemm<A, B, C> g{.m = test.m, .n = test.n, .k = test.k, .lda = lda, .transpose_a = test.transpose_a, .ldb = ldb};
  g.transpose_b = test.transpose_b;
  g.ldc = ldc;
  g.accumulate = test.accumulate;
  g.batch = test.batch;
  g.stride_a = lda * (test.transpose_a ? test.k : test.m);
  g.stride_b = ldb * (test.transpose_b ? test.n : test.k);
  g.stride_c = ldc * test.m;
  const auto a = random_vector<A>(g.stride_a * test.batch, 1);
  const auto b = random_vector<B>(g.stride_b * test.batch, 2);
  const auto bias = random_vector<B>(test.n, 3);
  const auto before = random_vector<C>(g.stride_c * test.batch, 4);
  auto c = before;
  g.a = a.data();
  g.b = b.data();
  g.bias = test.bias ? bias.data() : nullptr;
  g.c = c.data();
  gemm(g);
  const double u = unit_roundoff<std::conditional_t<std::is_same_v<C, double>, double, float>>();
  for (int64_t i = 0; i < test.batch; ++i) {
    for (int64_t row = 0; row < test.m; ++row) {
      for (int64_t column = 0; column < ldc; ++column) {
        const size_t at = static_cast<size_t>(i * g.stride_c + row * ldc + column);
        if (column >= test.n) {  // the gap between rows is not ours
          ASSERT_EQ(static_cast<double>(c[at]), static_cast<double>(before[at]));
          continue;
        }
        double sum = 0, magnitude = 0;
        const auto add = [&](double term) { sum += term, magnitude += std::abs(term); };
        if (test.bias) add(bias[static_cast<size_t>(column)]);
        if (test.accumulate) add(before[at]);
        for (int64_t p = 0; p < test.k; ++p) {
          const double x = a[static_cast<size_t>(i * g.stride_a + (test.transpose_a ? p * lda + row : row * lda + p))];
          const double y =
              b[static_cast<size_t>(i * g.stride_b + (test.transpose_b ? column * ldb + p : p * ldb + column))];
          add(x * y);
        }
        const double bound = (static_cast<double>(test.k) / 8 + 8) * u * magnitude + unit_roundoff<C>() * std::abs(sum);
        ASSERT_NEAR(static_cast<double>(c[at]), sum, bound + 1e-300)
            << "m " << test.m << " n " << test.n << " k " << test.k << " at " << row << ", " << column;
      }
    }
  }
}

// Sizes on both sides of every block and tile edge, and of the change between the two ways to compute.
template <class A, class B, class C>
void check_sizes() {
  for_each_target([] {
    for (int64_t m : {1, 2, 3, 4, 5, 7, 8, 16, 17, 33}) {
      for (int64_t n : {1, 3, 16, 37}) {
        for (int64_t k : {0, 1, 7, 64, 259}) {
          for (int flags = 0; flags < 16; ++flags) {
            check<A, B, C>({m, n, k, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0});
          }
        }
      }
    }
  });
}

TEST(GemmKernel, Float) { check_sizes<float, float, float>(); }
TEST(GemmKernel, Double) { check_sizes<double, double, double>(); }
TEST(GemmKernel, Bfloat16) { check_sizes<bfloat16, bfloat16, bfloat16>(); }
TEST(GemmKernel, Float16) { check_sizes<float16, float16, float16>(); }

template <class A, class B>
void check_mixed() {
  check<A, B, float>({9, 33, 70, false, true, false, true});
  check<A, B, bfloat16>({19, 17, 70, true, false, true, true});
  check<A, B, float16>({19, 17, 70, false, true, false, false});
}

TEST(GemmKernel, MixedTypes) {
  check_mixed<float, bfloat16>();
  check_mixed<float, float16>();
  check_mixed<bfloat16, float>();
  check_mixed<bfloat16, float16>();
  check_mixed<float16, float>();
  check_mixed<float16, bfloat16>();
}

TEST(GemmKernel, ManyBlocksOnSeveralThreads) {
  const int threads = num_threads();
  set_num_threads(3);
  for (bool transpose_b : {false, true}) {
    check<float, float, float>({1003, 301, 530, false, transpose_b, true, true});
    check<float, bfloat16, bfloat16>({203, 301, 530, false, transpose_b, true, true});
    check<float, bfloat16, float>({5, 1301, 2500, true, transpose_b, false, true});
    check<double, double, double>({203, 301, 530, true, transpose_b, true, false});
    check<float, float, float>({5003, 7, 33, false, transpose_b, false, false});
  }
  set_num_threads(threads);
}

TEST(GemmKernel, Batches) {
  check<float, float, float>({5, 7, 9, false, true, true, true, 11});
  check<float, float, float>({130, 70, 90, false, false, false, false, 3});
  check<bfloat16, float, bfloat16>({130, 70, 90, true, false, false, false, 13});
}

// A zero times an infinity is a NaN: nothing may be skipped because it is zero.
TEST(GemmKernel, NotANumberPropagates) {
  for_each_target([] {
    for (int64_t m : {1, 40}) {
      for (bool transpose_b : {false, true}) {
        std::vector<float> a(static_cast<size_t>(m * 3), 0.0f), c(static_cast<size_t>(m * 2));
        const std::vector<float> b = {1, 2, std::numeric_limits<float>::infinity(), 4, 5, 6};
        Gemm<float, float, float> g{.m = m, .n = 2, .k = 3, .a = a.data(), .lda = 3, .b = b.data()};
        g.ldb = transpose_b ? 3 : 2;
        g.transpose_b = transpose_b;
        g.c = c.data();
        g.ldc = 2;
        gemm(g);
        EXPECT_TRUE(std::isnan(c[0]));
        EXPECT_EQ(c[1], 0.0f);
      }
    }
  });
}

// B packed once changes nothing, nor does A read where it lies, whose rows may be whole pages apart.
TEST(GemmKernel, PackedColumnsGiveTheSameBits) {
  struct Sizes {
    int64_t m, n, k, lda;
  };
  const std::vector<Sizes> cases = {{17, 130, 70, 70}, {50, 37, 513, 516}, {197, 300, 768, 768}, {40, 96, 1024, 1024}};
  for_each_target([&] {
    for (const Sizes& s : cases) {
      for (const bool transposed : {true, false}) {
        const int64_t ldb = (transposed ? s.k : s.n) + 1;
        const auto a = random_vector<float>(s.m * s.lda, 1), b = random_vector<float>(s.n * s.k * 2 + ldb, 2);
        const auto bias = random_vector<float>(s.n, 3);
        std::vector<float> expected(static_cast<size_t>(s.m * s.n), 1), c = expected;
        Gemm<float, float, float> g{.m = s.m, .n = s.n, .k = s.k, .a = a.data(), .lda = s.lda, .b = b.data()};
        g.ldb = ldb;
        g.transpose_b = transposed;
        g.c = expected.data();
        g.ldc = s.n;
        g.accumulate = true;
        g.bias = bias.data();
        gemm(g);
        const int64_t width = packed_strip_width();
        std::vector<float> packed(static_cast<size_t>(packed_size(s.k, s.n, width)) + 16);
        float* const strips = packed.data() + (64 - reinterpret_cast<uintptr_t>(packed.data()) % 64) / 4 % 16;
        pack_columns(b.data(), ldb, transposed, s.k, s.n, strips);
        g.packed_b = {strips, width};
        g.c = c.data();
        gemm(g);
        EXPECT_EQ(c, expected);
      }
    }
  });
}

}  // namespace
}  // namespace imago::kernels
