#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Linear {
  static constexpr const char* name = "linear";
  FIELDS()
  TensorSpec check(const Tensor& x, const Tensor& weight, const Tensor& bias) const;
  Tensor decompose(const Tensor& x, const Tensor& weight, const Tensor& bias) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// x [..., in] times weight [out, in] transposed, plus bias [out], which may be undefined. All of one dtype; half types
// are summed in float, bias included, and rounded once. The weight may be encoded (quantized): it is multiplied as it
// is, and takes no gradient.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace imago
