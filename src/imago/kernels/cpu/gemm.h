// General matrix multiplication on row-major arrays.
#pragma once

#include <cstdint>

#include "imago/kernels/cpu/half.h"

namespace imago::kernels {

// C = A B, plus `bias` in every row, plus C itself if `accumulate`; for each of `batch` matrices.
//
//   A [m, k]: element (i, j) is a[i * lda + j], or a[j * lda + i] if transpose_a, so that a stores [k, m]
//   B [k, n]: element (i, j) is b[i * ldb + j], or b[j * ldb + i] if transpose_b, so that b stores [n, k], the layout
//   of
//             a linear layer's weight
//   C [m, n]: element (i, j) is c[i * ldc + j]; must not overlap the others
//
// Matrix number i of a batch starts stride_{a,b,c} * i elements further; the bias is shared. A stride of 0 shares a
// matrix (not C). k may be 0: then C is the bias.
template <class A, class B, class C>
struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  const A* a = nullptr;
  int64_t lda = 0;
  bool transpose_a = false;
  const B* b = nullptr;
  int64_t ldb = 0;
  bool transpose_b = false;
  C* c = nullptr;
  int64_t ldc = 0;
  bool accumulate = false;
  const B* bias = nullptr;  // [n], or null
  bool is_part = false;     // of a larger product: it is not summed in double however small it is
  int64_t batch = 1;
  int64_t stride_a = 0, stride_b = 0, stride_c = 0;
};

// Computes on all threads of the pool. Defined for A, B and C each of float, bfloat16 and float16, summing in float and
// rounding once at the end, and for double throughout.
template <class A, class B, class C>
void gemm(const Gemm<A, B, C>& arguments);

}  // namespace imago::kernels
