#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// See convolution_batch_norm.
struct ConvolutionBatchNorm {
  static constexpr const char* name = "convolution_batch_norm";
  Shape stride, padding, dilation;
  int64_t groups;
  double eps;
  bool relu;
  FIELDS(stride, padding, dilation, groups, eps, relu)
  TensorSpec check(const Tensor& x, const Tensor& weight, const Tensor& running_mean, const Tensor& running_var,
                   const Tensor& norm_weight, const Tensor& norm_bias, const Tensor& residual) const;
  Tensor decompose(const Tensor& x, const Tensor& weight, const Tensor& running_mean, const Tensor& running_var,
                   const Tensor& norm_weight, const Tensor& norm_bias, const Tensor& residual) const;
};

}  // namespace op

// What a convolution without bias gives, normalised by the mean and variance that training saw, plus `residual` of that
// shape, which may be undefined, and below zero cut off if `relu`; in one pass over the result. Sizes of one number
// hold for all dimensions.
Tensor convolution_batch_norm(const Tensor& x, const Tensor& weight, const Tensor& running_mean,
                              const Tensor& running_var, const Tensor& norm_weight, const Tensor& norm_bias, double eps,
                              const Tensor& residual, bool relu, const Shape& stride = {1}, const Shape& padding = {0},
                              const Shape& dilation = {1}, int64_t groups = 1);

}  // namespace imago
