#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Permute {
  static constexpr const char* name = "permute";
  Shape dims;
  FIELDS(dims)
  TensorSpec check(const Tensor& x) const;
  Tensor view(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// A view whose dimension i is dimension dims[i] of `x`.
Tensor permute(const Tensor& x, const Shape& dims);

// A view with two dimensions swapped.
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);

}  // namespace imago
