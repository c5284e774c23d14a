#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// Another shape on the same storage; `reshape` copies first where strides do not allow it.
struct Reshape {
  static constexpr const char* name = "reshape";
  Shape shape;
  FIELDS(shape)
  TensorSpec check(const Tensor& x) const { return {shape, x.dtype()}; }
  Tensor view(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// The same elements in row-major order under another shape; one size may be -1 and follows from the rest.
Tensor reshape(const Tensor& x, const Shape& shape);

// Dimensions [start_dim, end_dim] merged into one.
Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1);

// A dimension of size 1 put in at `dim`, or taken out (which does nothing where the size is not 1).
Tensor unsqueeze(const Tensor& x, int64_t dim);
Tensor squeeze(const Tensor& x, int64_t dim);

}  // namespace imago
