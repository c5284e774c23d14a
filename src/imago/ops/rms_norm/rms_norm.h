#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// See rms_norm.
struct RMSNorm {
  static constexpr const char* name = "rms_norm";
  double eps;
  double weight_offset = 0;
  bool weight_in_float = false;
  FIELDS(eps, weight_offset, weight_in_float)
  TensorSpec check(const Tensor& x, const Tensor& weight) const;
  Tensor decompose(const Tensor& x, const Tensor& weight) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// x / sqrt(mean(x^2) + eps) * weight over the last dimension; weight [size] may be undefined. ("Root Mean Square Layer
// Normalization", 2019)
// Half types are normalised in float, rounded, and then multiplied by the weight in their own type, as T5 and Llama
// do.
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps);

// The same times (weight_offset + weight), which in half types is multiplied in float before the one rounding, as
// Gemma does.
Tensor rms_norm_in_float(const Tensor& x, const Tensor& weight, double eps, double weight_offset = 0);

}  // namespace imago
