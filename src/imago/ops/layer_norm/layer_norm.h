#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// See layer_norm.
struct LayerNorm {
  static constexpr const char* name = "layer_norm";
  Shape normalized_shape;
  double eps;
  FIELDS(normalized_shape, eps)
  TensorSpec check(const Tensor& x, const Tensor& weight, const Tensor& bias) const;
  Tensor decompose(const Tensor& x, const Tensor& weight, const Tensor& bias) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// (x - mean) / sqrt(variance + eps) * weight + bias over the last dimensions, whose sizes are `normalized_shape`;
// weight and bias have that shape and may be undefined. The variance is the biased one. Half types are computed in
// float and rounded once. ("Layer Normalization", 2016)
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);

}  // namespace imago
