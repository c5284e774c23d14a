#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Cast {
  static constexpr const char* name = "cast";
  DType dtype;
  FIELDS(dtype)
  TensorSpec check(const Tensor& x) const { return {x.shape(), dtype}; }
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// The values as `dtype`, rounded to nearest even; `x` itself where it has that dtype already.
Tensor cast(const Tensor& x, DType dtype);

// The values as the type that sums over them are computed in: float32 for the half types, else their own.
Tensor widen(const Tensor& x);

}  // namespace imago
