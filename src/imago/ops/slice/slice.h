#pragma once

#include <cstdint>
#include <limits>

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// Elements start, start + step, ... (count of them) of one dimension.
struct Slice {
  static constexpr const char* name = "slice";
  int64_t dim, start, count, step;
  FIELDS(dim, start, count, step)
  TensorSpec check(const Tensor& x) const;
  Tensor view(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

inline constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

// A view of x[..., start:end:step, ...] along `dim`, with Python's meaning of negative and overlong bounds; step > 0.
Tensor slice(const Tensor& x, int64_t dim, int64_t start = 0, int64_t end = kEnd, int64_t step = 1);

// A view of `length` elements from `start` along `dim`; all of them must be there.
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);

// A view of element `index` along `dim`, without that dimension.
Tensor select(const Tensor& x, int64_t dim, int64_t index);

// Views of consecutive parts along `dim`: of `split_size` elements each (the last may be shorter), of the sizes listed,
// or as many as `chunks` (as even as torch makes them).
Tensors split(const Tensor& x, int64_t split_size, int64_t dim = 0);
Tensors split(const Tensor& x, const Shape& sizes, int64_t dim);
Tensors chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);

}  // namespace imago
