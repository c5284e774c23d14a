#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Flip {
  static constexpr const char* name = "flip";
  Shape dims;
  FIELDS(dims)
  TensorSpec check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// A copy with the order of the elements reversed along `dims`.
Tensor flip(const Tensor& x, const Shape& dims);

}  // namespace imago
