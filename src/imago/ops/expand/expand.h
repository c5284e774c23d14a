#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Expand {
  static constexpr const char* name = "expand";
  Shape shape;
  FIELDS(shape)
  TensorSpec check(const Tensor& x) const;
  Tensor view(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// A view that repeats dimensions of size 1, and new leading ones, up to `shape`; -1 keeps a size.
Tensor expand(const Tensor& x, const Shape& shape);

// The opposite: sums a tensor that was broadcast from `shape` back to it.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace imago
