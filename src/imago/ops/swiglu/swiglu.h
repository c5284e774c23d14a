#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Swiglu {
  static constexpr const char* name = "swiglu";
  FIELDS()
  TensorSpec check(const Tensor& gate, const Tensor& up) const;
  Tensor decompose(const Tensor& gate, const Tensor& up) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// silu(gate) * up, for tensors of one shape; half types are computed in float and rounded once. ("GLU Variants Improve
// Transformer", 2020)
Tensor swiglu(const Tensor& gate, const Tensor& up);

}  // namespace imago
