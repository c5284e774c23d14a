#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct CumSum {
  static constexpr const char* name = "cumsum";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// y[i] = x[0] + ... + x[i] along `dim`; int64 of integers and bool. Floating-point numbers are summed in double and
// each sum is rounded once.
Tensor cumsum(const Tensor& x, int64_t dim);

}  // namespace imago
