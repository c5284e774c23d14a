#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Lgamma {
  static constexpr const char* name = "lgamma";
  FIELDS()
  TensorSpec check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

struct Digamma {
  static constexpr const char* name = "digamma";
  static constexpr bool differentiable = false;
  FIELDS()
  TensorSpec check(const Tensor& x) const;
};

}  // namespace op

// log |gamma(x)|, and its derivative for x > 0 (NaN elsewhere), which has no gradient here. Computed in double and
// rounded once.
Tensor lgamma(const Tensor& x);
Tensor digamma(const Tensor& x);

}  // namespace imago
