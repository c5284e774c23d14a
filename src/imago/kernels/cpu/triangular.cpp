#include "imago/kernels/cpu/triangular.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/gemm.h"

namespace imago::kernels {
namespace {

constexpr int64_t kBlock = 64;

// L L^T of a block, sums in double.
bool factor_block(float* a, int64_t size, int64_t n) {
  for (int64_t j = 0; j < size; ++j) {
    double pivot = a[j * n + j];
    for (int64_t p = 0; p < j; ++p) pivot -= static_cast<double>(a[j * n + p]) * a[j * n + p];
    if (!(pivot > 0) || !std::isfinite(pivot)) return false;
    const double root = std::sqrt(pivot);
    a[j * n + j] = static_cast<float>(root);
    for (int64_t i = j + 1; i < size; ++i) {
      double sum = a[i * n + j];
      for (int64_t p = 0; p < j; ++p) sum -= static_cast<double>(a[i * n + p]) * a[j * n + p];
      a[i * n + j] = static_cast<float>(sum / root);
    }
  }
  return true;
}

// A row of the panel below a factored block: x L^T = row.
void solve_row(const float* l, int64_t size, int64_t n, float* row) {
  for (int64_t j = 0; j < size; ++j) {
    double sum = row[j];
    for (int64_t p = 0; p < j; ++p) sum -= static_cast<double>(row[p]) * l[j * n + p];
    row[j] = static_cast<float>(sum / l[j * n + j]);
  }
}

// Column by column, sums in double.
void invert_block(float* l, int64_t size, int64_t n) {
  double inverse[kBlock][kBlock] = {};
  for (int64_t j = 0; j < size; ++j) {
    for (int64_t i = j; i < size; ++i) {
      double sum = i == j ? 1 : 0;
      for (int64_t p = j; p < i; ++p) sum -= l[i * n + p] * inverse[p][j];
      inverse[i][j] = sum / l[i * n + i];
    }
  }
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < size; ++j) l[i * n + j] = static_cast<float>(inverse[i][j]);
  }
}

// c [m, n] = a [m, k] b [k, n], or of transposed b, plus c.
void multiply(const float* a, int64_t lda, const float* b, int64_t ldb, bool transpose_b, float* c, int64_t ldc,
              int64_t m, int64_t n, int64_t k, bool accumulate) {
  Gemm<float, float, float> gemm;
  gemm.m = m;
  gemm.n = n;
  gemm.k = k;
  gemm.a = a;
  gemm.lda = lda;
  gemm.b = b;
  gemm.ldb = ldb;
  gemm.transpose_b = transpose_b;
  gemm.c = c;
  gemm.ldc = ldc;
  gemm.accumulate = accumulate;
  kernels::gemm(gemm);
}

// Below and right of [0, half): the inverse of [[A, 0], [B, C]] is [[A^-1, 0], [-C^-1 B A^-1, C^-1]].
void invert_part(float* l, int64_t size, int64_t n, std::vector<float>& scratch) {
  if (size <= kBlock) return invert_block(l, size, n);
  const int64_t half = (size / 2 + kBlock - 1) / kBlock * kBlock, rest = size - half;
  invert_part(l, half, n, scratch);
  invert_part(l + half * n + half, rest, n, scratch);
  float* const below = l + half * n;
  scratch.resize(static_cast<size_t>(rest * half));
  multiply(below, n, l, n, false, scratch.data(), half, rest, half, half, false);
  for (float& value : scratch) value = -value;
  multiply(below + half, n, scratch.data(), half, false, below, n, rest, half, rest, false);
  for (int64_t i = 0; i < half; ++i) std::fill_n(l + i * n + half, rest, 0.0F);
}

}  // namespace

bool cholesky(float* a, int64_t n) {
  std::vector<float> panel;
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t size = std::min(kBlock, n - first), rest = n - first - size;
    float* const block = a + first * n + first;
    if (!factor_block(block, size, n)) return false;
    if (rest == 0) break;
    float *const below = block + size * n, *const trailing = below + size;
    panel.resize(static_cast<size_t>(rest * size));
    parallel_for(rest, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        solve_row(block, size, n, below + i * n);
        for (int64_t j = 0; j < size; ++j) panel[static_cast<size_t>(i * size + j)] = -below[i * n + j];
      }
    });
    multiply(panel.data(), size, below, n, true, trailing, n, rest, rest, size, true);
  }
  return true;
}

void invert_lower(float* l, int64_t n) {
  std::vector<float> scratch;
  invert_part(l, n, n, scratch);
}

}  // namespace imago::kernels
