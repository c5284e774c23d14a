// General matrix multiplication on row-major arrays.
#pragma once

#include <cstdint>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/half.h"

namespace imago::kernels {

// Columns of B that are made where they are needed and stored nowhere, as those of a convolution are. Writes rows
// [depth, depth + size) of columns [column, column + columns) as strips of `width` columns, one strip behind the other,
// each row by row; where the last strip has more columns than there are, zeros. Many threads call it at a time.
using PackColumns =
    FunctionRef<void(int64_t column, int64_t columns, int64_t depth, int64_t size, int64_t width, float* strips)>;

// A matrix B [k, n] of float in the order in which products of many rows read it: made once for a weight that is
// multiplied again and again.
struct PackedColumns {
  const float* data = nullptr;
  int64_t width = 0;  // of a strip; a product that reads others takes b itself
};

// Columns in a strip, on the instruction set in use, and the number of elements of B [k, n] as strips.
int64_t packed_strip_width();
int64_t packed_size(int64_t k, int64_t n, int64_t width);

// Writes the strips of B, which lies as Gemm says, on all threads of the pool.
void pack_columns(const float* b, int64_t ldb, bool transpose_b, int64_t k, int64_t n, float* packed);

// What becomes of the sums of a row of C of float on their way to memory; what is null or false is left out.
struct RowEpilogue {
  const float* scale = nullptr;     // [m], the sums are multiplied by
  const float* shift = nullptr;     // [m], added then
  const float* residual = nullptr;  // [m, n] as C lies, added then
  bool relu = false;                // negative ones become 0, NaN stays
};

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
  const B* bias = nullptr;                    // [n], or null
  bool is_part = false;                       // of a larger product: it is not summed in double however small it is
  PackedColumns packed_b;                     // of b, or none, for products in float without a batch
  const PackColumns* pack_columns = nullptr;  // in the place of b, for products in float without a batch
  const RowEpilogue* epilogue = nullptr;      // for products in float, without bias and accumulation
  int64_t batch = 1;
  int64_t stride_a = 0, stride_b = 0, stride_c = 0;
};

// Computes on all threads of the pool. Defined for A, B and C each of float, bfloat16 and float16, summing in float and
// rounding once at the end, and for double throughout.
template <class A, class B, class C>
void gemm(const Gemm<A, B, C>& arguments);

}  // namespace imago::kernels
