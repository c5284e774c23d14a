#include "imago/ops/rms_norm/rms_norm.h"

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

Tensor inverse_rms(const Tensor& x, double eps) { return rsqrt(mean(square(x), {-1}, true) + eps); }

}  // namespace

TensorSpec op::RMSNorm::check(const Tensor& x, const Tensor& weight) const {
  require_floating(name, "x", x);
  if (x.dim() == 0) throw Error(ErrorKind::kInvalidArgument, name, "x has no dimensions");
  require_same_dtype(name, "x", x, "weight", weight);
  require_shape(name, "weight", weight, {x.size(-1)});
  return {x.shape(), x.dtype()};
}

Tensor op::RMSNorm::decompose(const Tensor& x, const Tensor& weight) const {
  const Tensor wide = widen(x);
  const Tensor normed = wide * inverse_rms(wide, eps);
  if (!weight.defined()) return cast(normed, x.dtype());
  if (!weight_in_float) return cast(normed, x.dtype()) * weight;
  return cast(normed * (widen(weight) + weight_offset), x.dtype());
}

// With n = x r, r = 1 / rms(x): n's gradient h becomes x's as r (h - n mean(h n)).
Tensors op::RMSNorm::vjp(const Backward& b) const {
  const DType dtype = b.input(0).dtype();
  const Tensors found = in_blocks(std::array{b.input(0), b.grad()}, 1, [&](std::span<const Tensor> in) {
    const Tensor x = widen(in[0]), g = widen(in[1]);
    const Tensor r = inverse_rms(x, eps), n = x * r;
    Tensors each;
    if (b.needs_input(0)) {
      const Tensor h = b.input(1).defined() ? g * (widen(b.input(1)) + weight_offset) : g;
      each.push_back(cast(r * (h - n * mean(h * n, {-1}, true)), dtype));
    }
    if (b.needs_input(1)) each.push_back(g * n);
    return each;
  });
  Tensor grad_x, grad_weight;
  if (b.needs_input(0)) grad_x = found.front();
  if (b.needs_input(1)) grad_weight = cast(sum_to(found.back(), b.input(1).shape()), dtype);
  return {grad_x, grad_weight};
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) { return apply(op::RMSNorm{eps}, x, weight); }

Tensor rms_norm_in_float(const Tensor& x, const Tensor& weight, double eps, double weight_offset) {
  return apply(op::RMSNorm{eps, weight_offset, true}, x, weight);
}

void register_rms_norm(OpTable& table) {
  table.add<op::RMSNorm>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors {
      return {rms_norm(in[0], in.size() > 1 ? in[1] : Tensor(), 1e-5)};
    };
    return {
        {"rows", {sample_values({3, 5}), sample_values({5}, 0.5, 1.5, 2)}, call},
        {"batch, odd size", {sample_values({2, 3, 37}), sample_values({37}, 0.5, 1.5, 2)}, call},
        {"no weight", {sample_values({2, 8})}, call},
        {"no rows", {sample_values({0, 4}), sample_values({4}, 0.5, 1.5, 2)}, call},
        {"offset weight",
         {sample_values({3, 6}), sample_values({6}, -0.5, 0.5, 2)},
         [](auto in) -> Tensors { return {rms_norm_in_float(in[0], in[1], 1e-6, 1)}; }},
    };
  });
}

}  // namespace imago
