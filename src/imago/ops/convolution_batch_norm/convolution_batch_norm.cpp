#include "imago/ops/convolution_batch_norm/convolution_batch_norm.h"

#include "imago/ops/convolution/convolution.h"
#include "imago/ops/group_norm/group_norm.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"

namespace imago {

TensorSpec op::ConvolutionBatchNorm::check(const Tensor& x, const Tensor& weight, const Tensor& running_mean,
                                           const Tensor& running_var, const Tensor& norm_weight,
                                           const Tensor& norm_bias, const Tensor& residual) const {
  const TensorSpec y = Convolution{stride, padding, dilation, groups}.check(x, weight, Tensor());
  const auto require_channels = [&](const char* what, const Tensor& values) {
    require_defined(name, what, values);
    require_same_dtype(name, "x", x, what, values);
    require_shape(name, what, values, {weight.size(0)});
  };
  require_channels("running_mean", running_mean);
  require_channels("running_var", running_var);
  require_channels("norm_weight", norm_weight);
  require_channels("norm_bias", norm_bias);
  require_same_dtype(name, "x", x, "residual", residual);
  require_shape(name, "residual", residual, y.shape);
  return y;
}

Tensor op::ConvolutionBatchNorm::decompose(const Tensor& x, const Tensor& weight, const Tensor& running_mean,
                                           const Tensor& running_var, const Tensor& norm_weight,
                                           const Tensor& norm_bias, const Tensor& residual) const {
  Tensor y = apply(Convolution{stride, padding, dilation, groups}, x, weight, Tensor());
  y = batch_norm(y, running_mean, running_var, norm_weight, norm_bias, false, 0, eps);
  if (residual.defined()) y = y + residual;
  return relu ? imago::relu(y) : y;
}

Tensor convolution_batch_norm(const Tensor& x, const Tensor& weight, const Tensor& running_mean,
                              const Tensor& running_var, const Tensor& norm_weight, const Tensor& norm_bias, double eps,
                              const Tensor& residual, bool relu, const Shape& stride, const Shape& padding,
                              const Shape& dilation, int64_t groups) {
  require_defined(op::ConvolutionBatchNorm::name, "x", x);
  const auto sizes = [&](const Shape& given) {
    return given.size() == 1 && x.dim() > 2 ? Shape::filled(x.dim() - 2, given[0]) : given;
  };
  const op::ConvolutionBatchNorm op{sizes(stride), sizes(padding), sizes(dilation), groups, eps, relu};
  return apply(op, x, weight, running_mean, running_var, norm_weight, norm_bias, residual);
}

void register_convolution_batch_norm(OpTable& table) {
  table.add<op::ConvolutionBatchNorm>([]() -> std::vector<Sample> {
    const auto call = [](bool relu, Shape stride, Shape padding, int64_t groups) {
      return [=](std::span<const Tensor> in) -> Tensors {
        return {convolution_batch_norm(in[0], in[1], in[2], in[3], in[4], in[5], 1e-3, in.size() > 6 ? in[6] : Tensor(),
                                       relu, stride, padding, {1}, groups)};
      };
    };
    const auto inputs = [](const Shape& x, const Shape& weight) {
      const Shape channels = {weight[0]};
      return Tensors{sample_values(x),
                     sample_values(weight, -2, 2, 2),
                     sample_values(channels, -1, 1, 3),
                     sample_values(channels, 0.5, 2, 4),
                     sample_values(channels, 0.5, 1.5, 5),
                     sample_values(channels, -1, 1, 6)};
    };
    Tensors with_residual = inputs({2, 3, 4, 5}, {4, 3, 3, 3});
    with_residual.push_back(sample_values({2, 4, 4, 5}, -2, 2, 7));
    return {
        {"plain", inputs({2, 3, 7}, {4, 3, 3}), call(false, {1}, {1}, 1)},
        {"residual and relu", with_residual, call(true, {1}, {1}, 1), false},
        {"strided, groups", inputs({1, 4, 5, 4}, {6, 2, 3, 3}), call(false, {2}, {1}, 2)},
        {"depthwise", inputs({1, 3, 4, 5}, {3, 1, 3, 3}), call(true, {1}, {1}, 3), false},
        {"empty batch", inputs({0, 3, 7}, {4, 3, 3}), call(false, {1}, {1}, 1)},
    };
  });
}

}  // namespace imago
