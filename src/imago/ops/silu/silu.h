#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Silu {
  static constexpr const char* name = "silu";
  FIELDS()
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// x sigmoid(x), also called swish.
Tensor silu(const Tensor& x);

}  // namespace imago
