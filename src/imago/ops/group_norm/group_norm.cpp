#include "imago/ops/group_norm/group_norm.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// A value per channel, so that it broadcasts over x [batch, channels, ...].
Tensor per_channel(const Tensor& values, int dims) {
  Shape shape = Shape::filled(dims, 1);
  shape[1] = values.numel();
  return reshape(values, shape);
}

Tensor scale_and_shift(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  Tensor y = x;
  if (weight.defined()) y = y * per_channel(widen(weight), x.dim());
  if (bias.defined()) y = y + per_channel(widen(bias), x.dim());
  return y;
}

}  // namespace

TensorSpec op::GroupNorm::check(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  require_floating(name, "x", x);
  if (x.dim() < 2 || num_groups < 1 || x.size(1) % num_groups != 0) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("the channels of x {} do not split into {} groups", x.shape().to_string(), num_groups));
  }
  require_same_dtype(name, "x", x, "weight", weight);
  require_same_dtype(name, "x", x, "bias", bias);
  require_shape(name, "weight", weight, {x.size(1)});
  require_shape(name, "bias", bias, {x.size(1)});
  return {x.shape(), x.dtype()};
}

Tensor op::GroupNorm::decompose(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  if (x.numel() == 0) return x;
  const Tensor groups = reshape(widen(x), {x.size(0), num_groups, -1});
  const Tensor centered = groups - mean(groups, {2}, true);
  const Tensor normed = centered * rsqrt(mean(square(centered), {2}, true) + eps);
  return cast(scale_and_shift(reshape(normed, x.shape()), weight, bias), x.dtype());
}

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias, double eps) {
  return apply(op::GroupNorm{num_groups, eps}, x, weight, bias);
}

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                  const Tensor& bias, bool training, double momentum, double eps) {
  constexpr const char* kName = "batch_norm";
  require_floating(kName, "x", x);
  if (x.dim() < 2) throw Error(ErrorKind::kInvalidArgument, kName, "x " + x.describe() + " has no channels");
  const Shape channels = {x.size(1)};
  require_shape(kName, "running_mean", running_mean, channels);
  require_shape(kName, "running_var", running_var, channels);
  require_shape(kName, "weight", weight, channels);
  require_shape(kName, "bias", bias, channels);
  const Tensor wide = widen(x);
  Tensor center, variance;
  if (training) {
    Shape dims;
    for (int d = 0; d < x.dim(); ++d) {
      if (d != 1) dims.push_back(d);
    }
    center = mean(wide, dims, true);
    variance = mean(square(wide - center), dims, true);
    const auto count = static_cast<double>(x.numel() / std::max<int64_t>(x.size(1), 1));
    const auto move = [&](const Tensor& running, const Tensor& target) {
      if (!running.defined()) return;
      const NoGrad no_grad;
      copy_(running, widen(running) * (1 - momentum) + widen(reshape(target, channels)) * momentum);
    };
    move(running_mean, center);
    move(running_var, variance * (count / std::max(count - 1, 1.0)));  // the unbiased one
  } else {
    require_defined(kName, "running_mean", running_mean);
    require_defined(kName, "running_var", running_var);
    center = per_channel(widen(running_mean), x.dim());
    variance = per_channel(widen(running_var), x.dim());
  }
  return cast(scale_and_shift((wide - center) * rsqrt(variance + eps), weight, bias), x.dtype());
}

void register_group_norm(OpTable& table) {
  table.add<op::GroupNorm>([]() -> std::vector<Sample> {
    const auto call = [](int64_t groups) {
      return [groups](std::span<const Tensor> in) -> Tensors {
        return {group_norm(in[0], groups, in.size() > 1 ? in[1] : Tensor(), in.size() > 2 ? in[2] : Tensor(), 1e-3)};
      };
    };
    const Tensor weight = sample_values({6}, 0.5, 1.5, 2), bias = sample_values({6}, -1, 1, 3);
    return {
        {"two groups", {sample_values({2, 6, 5}), weight, bias}, call(2)},
        {"images, a group per channel", {sample_values({2, 6, 3, 2}), weight, bias}, call(6)},
        {"one group, no weight", {sample_values({2, 6})}, call(1)},
        {"empty batch", {sample_values({0, 6, 4}), weight, bias}, call(3)},
    };
  });
}

}  // namespace imago
