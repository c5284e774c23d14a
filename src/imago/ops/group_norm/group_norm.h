#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// See group_norm.
struct GroupNorm {
  static constexpr const char* name = "group_norm";
  int64_t num_groups;
  double eps;
  FIELDS(num_groups, eps)
  TensorSpec check(const Tensor& x, const Tensor& weight, const Tensor& bias) const;
  Tensor decompose(const Tensor& x, const Tensor& weight, const Tensor& bias) const;
};

}  // namespace op

// x [batch, channels, ...] normalised over each of `num_groups` groups of channels and all positions, then times weight
// plus bias [channels], which may be undefined. Half types are computed in float and rounded once. ("Group
// Normalization", 2018)
Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);

// torch.nn.functional.batch_norm of x [batch, channels, ...]: with running_mean and running_var [channels] or, when
// training, with the batch's own mean and variance, by which the running ones (where defined) are moved by `momentum`.
// ("Batch Normalization", 2015)
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight = {},
                  const Tensor& bias = {}, bool training = false, double momentum = 0.1, double eps = 1e-5);

}  // namespace imago
