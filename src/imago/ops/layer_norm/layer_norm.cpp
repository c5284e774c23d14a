#include "imago/ops/layer_norm/layer_norm.h"

#include <fmt/core.h>

#include <array>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/in_blocks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/unary/unary.h"

namespace imago {
namespace {

Shape last_dims(int count) {
  Shape dims;
  for (int d = -count; d < 0; ++d) dims.push_back(d);
  return dims;
}

struct Normalized {
  Tensor values, inverse_deviation;
};

Normalized normalize(const Tensor& x, const Shape& dims, double eps) {
  const Tensor centered = x - mean(x, dims, true);
  const Tensor inverse = rsqrt(mean(square(centered), dims, true) + eps);
  return {centered * inverse, inverse};
}

}  // namespace

TensorSpec op::LayerNorm::check(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  require_floating(name, "x", x);
  const int lead = x.dim() - normalized_shape.size();
  if (normalized_shape.empty() || lead < 0 || !(x.shape().sub(lead, x.dim()) == normalized_shape)) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("x {} does not end in {}", x.shape().to_string(), normalized_shape.to_string()));
  }
  require_same_dtype(name, "x", x, "weight", weight);
  require_same_dtype(name, "x", x, "bias", bias);
  require_shape(name, "weight", weight, normalized_shape);
  require_shape(name, "bias", bias, normalized_shape);
  return {x.shape(), x.dtype()};
}

Tensor op::LayerNorm::decompose(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  Tensor y = normalize(widen(x), last_dims(normalized_shape.size()), eps).values;
  if (weight.defined()) y = y * widen(weight);
  if (bias.defined()) y = y + widen(bias);
  return cast(y, x.dtype());
}

// With n = (x - mean) r, r = 1 / deviation: n's gradient h becomes x's as r (h - mean(h) - n mean(h n)).
Tensors op::LayerNorm::vjp(const Backward& b) const {
  const DType dtype = b.input(0).dtype();
  const int row_dims = normalized_shape.size();
  const Shape dims = last_dims(row_dims);
  Tensors grads(3);
  if (b.needs_input(2)) grads[2] = cast(sum_to(widen(b.grad()), normalized_shape), dtype);
  if (!b.needs_input(0) && !b.needs_input(1)) return grads;
  const Tensors found = in_blocks(std::array{b.input(0), b.grad()}, row_dims, [&](std::span<const Tensor> in) {
    const Tensor g = widen(in[1]);
    const Normalized n = normalize(widen(in[0]), dims, eps);
    Tensors each;
    if (b.needs_input(0)) {
      const Tensor h = b.input(1).defined() ? g * widen(b.input(1)) : g;
      each.push_back(
          cast(n.inverse_deviation * (h - mean(h, dims, true) - n.values * mean(h * n.values, dims, true)), dtype));
    }
    if (b.needs_input(1)) each.push_back(g * n.values);
    return each;
  });
  if (b.needs_input(0)) grads[0] = found.front();
  if (b.needs_input(1)) grads[1] = cast(sum_to(found.back(), normalized_shape), dtype);
  return grads;
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
  return apply(op::LayerNorm{normalized_shape, eps}, x, weight, bias);
}

void register_layer_norm(OpTable& table) {
  table.add<op::LayerNorm>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors {
      return {layer_norm(in[0], {in[0].size(-1)}, in.size() > 1 ? in[1] : Tensor(), in.size() > 2 ? in[2] : Tensor())};
    };
    const auto weight = [](const Shape& shape) { return sample_values(shape, 0.5, 1.5, 2); };
    const auto bias = [](const Shape& shape) { return sample_values(shape, -1, 1, 3); };
    return {
        {"rows", {sample_values({3, 5}), weight({5}), bias({5})}, call},
        {"batch, odd size", {sample_values({2, 3, 37}), weight({37}), bias({37})}, call},
        {"no bias", {sample_values({2, 8}), weight({8})}, call},
        {"no weight", {sample_values({2, 8})}, call},
        {"no rows", {sample_values({0, 4}), weight({4}), bias({4})}, call},
        {"two dimensions",
         {sample_values({3, 2, 4}), weight({2, 4}), bias({2, 4})},
         [](auto in) -> Tensors {
           return {layer_norm(in[0], {2, 4}, in[1], in[2], 1e-3)};
         }},
    };
  });
}

}  // namespace imago
