// Products with matrices whose elements are floats of two bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "imago/kernels/cpu/gemm.h"

namespace imago::quant {

// See Format::multiply.
template <class T>
void multiply_floats(const std::byte* from, int64_t rows, int64_t columns, const float* x, int64_t m, int64_t stride,
                     const float* bias, float* y) {
  kernels::Gemm<float, T, float> gemm;
  gemm.m = m;
  gemm.n = rows;
  gemm.k = columns;
  gemm.a = x;
  gemm.lda = stride;
  gemm.b = reinterpret_cast<const T*>(from);
  gemm.ldb = columns;
  gemm.transpose_b = true;
  gemm.c = y;
  gemm.ldc = rows;
  if (bias != nullptr) {  // in float, where the product's own would be of the weight's type
    for (int64_t i = 0; i < m; ++i) std::copy_n(bias, rows, y + i * rows);
    gemm.accumulate = true;
  }
  kernels::gemm(gemm);
}

}  // namespace imago::quant
