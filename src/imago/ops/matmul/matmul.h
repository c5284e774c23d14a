#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// Matrices in the last two dimensions; the others broadcast.
struct MatMul {
  static constexpr const char* name = "matmul";
  FIELDS()
  TensorSpec check(const Tensor& a, const Tensor& b) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// torch.matmul: a [..., m, k] times b [..., k, n]. Leading dimensions broadcast; a 1-d tensor is a row on the left and
// a column on the right, and that dimension is not in the result. Half types are summed in float and rounded once.
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace imago
