#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Contiguous {
  static constexpr const char* name = "contiguous";
  FIELDS()
  TensorSpec check(const Tensor& x) const { return {x.shape(), x.dtype()}; }
  Tensors vjp(const Backward& b) const { return {b.grad()}; }
};

}  // namespace op

// The values dense and row-major: `x` itself where it is so already.
Tensor contiguous(const Tensor& x);

// A copy of the values in memory of its own.
Tensor clone(const Tensor& x);

// Writes the values of `source`, broadcast and cast, into `target`, through its strides. No gradient is recorded.
void copy_(const Tensor& target, const Tensor& source);

}  // namespace imago
