#include "imago/quant/decoded_product.h"

#include <algorithm>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/gemm.h"
#include "imago/kernels/cpu/scratch.h"

namespace imago::quant {
namespace {

constexpr int64_t kFewRows = 16;
constexpr int64_t kCachedElements = 1 << 15;  // of decoded rows: a quarter of a second-level cache
constexpr int64_t kPanelElements = 1 << 20;

struct Product {
  const EncodedMatrix& weight;
  const float* x;
  int64_t m, stride;
  const float* bias;
  float* y;

  // Rows [first, first + count) of the weight, from their values.
  void run(const float* decoded, int64_t first, int64_t count) const {
    kernels::Gemm<float, float, float> gemm;
    gemm.m = m;
    gemm.n = count;
    gemm.k = weight.columns();
    gemm.a = x;
    gemm.lda = stride;
    gemm.b = decoded;
    gemm.ldb = weight.columns();
    gemm.transpose_b = true;
    gemm.c = y + first;
    gemm.ldc = weight.rows();
    gemm.bias = bias == nullptr ? nullptr : bias + first;
    gemm.is_part = count < weight.rows();
    kernels::gemm(gemm);
  }

  void decode(int64_t first, int64_t count, float* to) const {
    for (int64_t r = 0; r < count; ++r) weight.decode_row(first + r, to + r * weight.columns());
  }
};

}  // namespace

void multiply_decoded(const EncodedMatrix& weight, const float* x, int64_t m, int64_t stride, const float* bias,
                      float* y) {
  const int64_t rows = weight.rows(), columns = weight.columns();
  if (m == 0 || rows == 0) return;
  const Product product{weight, x, m, stride, bias, y};
  thread_local kernels::Scratch scratch;
  if (m <= kFewRows) {
    const int64_t step = std::max<int64_t>(kCachedElements / std::max<int64_t>(columns, 1), 1);
    parallel_for(rows, step, [&](int64_t begin, int64_t end) {
      float* const decoded = scratch.get<float>(step * columns);
      for (int64_t first = begin; first < end; first += step) {
        const int64_t count = std::min(step, end - first);
        product.decode(first, count, decoded);
        product.run(decoded, first, count);
      }
    });
    return;
  }
  const int64_t panel = std::min(std::max<int64_t>(kPanelElements / std::max<int64_t>(columns, 1), 16), rows);
  float* const decoded = scratch.get<float>(panel * columns);
  for (int64_t first = 0; first < rows; first += panel) {
    const int64_t count = std::min(panel, rows - first);
    parallel_for(count, 8, [&](int64_t begin, int64_t end) {
      product.decode(first + begin, end - begin, decoded + begin * columns);
    });
    product.run(decoded, first, count);
  }
}

}  // namespace imago::quant
