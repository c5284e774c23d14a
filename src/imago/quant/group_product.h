// Products of few rows with a matrix of groups, straight from its blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "imago/quant/format.h"

namespace imago::quant {

inline constexpr int64_t kMaxProductRows = 8;

struct GroupMatrix {
  const Format& format;
  const std::byte* data;
  int64_t rows, columns;
};

// y [m, rows] = x [m, columns] W^T + bias (or null), for m up to kMaxProductRows.
//
// The products are taken in integers: x is rounded to 16 bits in each run of 32 elements, to within 2^-16 of the run's
// largest magnitude (8 bits, as is usual, lose 256 times as much). An element of y is off by no more than
//   sum over elements of |w| * max|x of its run| / 65278
// plus float rounding. 16 bits rather than float because four bits come out of a byte faster than they turn into
// floats: this keeps up with memory where the other does not. One row of x is multiplied as the weight is unpacked,
// with code of each format's own; for more rows the weight is unpacked to bytes first. With AVX-512 VNNI both halves of
// the 16 bits are multiplied as bytes (vnni-inl.h), the sums are the same integers, and no weight goes through memory.
void multiply_groups(const GroupMatrix& weight, const float* x, int64_t m, int64_t stride, const float* bias, float* y);

}  // namespace imago::quant
