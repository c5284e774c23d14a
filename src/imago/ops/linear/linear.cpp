#include "imago/ops/linear/linear.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {

TensorSpec op::Linear::check(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  require_floating(name, "x", x);
  require_floating(name, "weight", weight);
  require_same_dtype(name, "x", x, "weight", weight);
  require_same_dtype(name, "x", x, "bias", bias);
  require_dims(name, "weight", weight, 2);
  require_shape(name, "bias", bias, {weight.size(0)});
  if (x.dim() == 0 || x.size(-1) != weight.size(1)) {
    throw Error(
        ErrorKind::kInvalidArgument, name,
        fmt::format("x {} does not meet weight {} (out, in)", x.shape().to_string(), weight.shape().to_string()));
  }
  Shape shape = x.shape();
  shape[x.dim() - 1] = weight.size(0);
  return {shape, x.dtype()};
}

Tensor op::Linear::decompose(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  const Tensor y = matmul(x, transpose(decode(weight), 0, 1));
  return bias.defined() ? y + bias : y;
}

Tensors op::Linear::vjp(const Backward& b) const {
  const Tensor &x = b.input(0), &weight = b.input(1), &g = b.grad();
  Tensor grad_x, grad_weight, grad_bias;
  if (b.needs_input(0)) grad_x = matmul(g, decode(weight));
  if (b.needs_input(1)) {
    const int64_t in = weight.size(1), out = weight.size(0);
    const int64_t rows = x.shape().sub(0, x.dim() - 1).product();
    grad_weight = matmul(transpose(reshape(g, {rows, out}), 0, 1), reshape(x, {rows, in}));
  }
  if (b.needs_input(2)) grad_bias = sum_to(g, b.input(2).shape());
  return {grad_x, grad_weight, grad_bias};
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return apply(op::Linear{}, x, weight, bias);
}

void register_linear(OpTable& table) {
  table.add<op::Linear>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors {
      return {linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor())};
    };
    const Tensor weight = sample_values({4, 5}, -1, 1, 2), bias = sample_values({4}, -1, 1, 3);
    return {
        {"rows and bias", {sample_values({3, 5}), weight, bias}, call},
        {"no bias", {sample_values({2, 3, 5}), weight}, call},
        {"one row", {sample_values({1, 1, 5}), weight, bias}, call},
        {"vector", {sample_values({5}), weight, bias}, call},
        {"no rows", {sample_values({2, 0, 5}), weight, bias}, call},
        {"transposed",
         {sample_values({5, 3}), sample_values({5, 4}, -1, 1, 2)},
         [](auto in) -> Tensors { return {linear(transpose(in[0], 0, 1), transpose(in[1], 0, 1))}; }},
    };
  });
}

}  // namespace imago
