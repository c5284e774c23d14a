#include "imago/ops/rope/rope.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

// Shapes: B batch, H heads, T tokens, K head size, R rotated elements, C = R or R / 2.

// (x, y) becomes (-y, x) in every pair: the rotation by a right angle.
Tensor quarter_turn(const Tensor& x_BHTR, bool interleaved) {
  const int64_t half = x_BHTR.size(-1) / 2;
  if (!interleaved) return concat({-narrow(x_BHTR, -1, half, half), narrow(x_BHTR, -1, 0, half)}, -1);
  Shape shape = x_BHTR.shape();
  shape[3] = half;
  shape.push_back(2);
  const Tensor pairs = reshape(x_BHTR, shape);
  return reshape(concat({-narrow(pairs, -1, 1, 1), narrow(pairs, -1, 0, 1)}, -1), x_BHTR.shape());
}

// One angle per element, in float, for all heads.
Tensor per_element(const Tensor& table_BTC, int64_t rotary_dim, bool interleaved) {
  Tensor table = unsqueeze(widen(table_BTC), 1);
  if (table.size(-1) == rotary_dim) return table;
  if (!interleaved) return concat({table, table}, -1);
  return flatten(stack({table, table}, -1), 3, 4);
}

// The sum over the heads, and over the two elements of a pair where they share an angle.
Tensor gradient_of_table(const Tensor& grad_BHTR, const Tensor& table_BTC, bool interleaved) {
  Shape shape = table_BTC.shape();
  shape.insert(1, 1);
  const int64_t half = grad_BHTR.size(-1) / 2;
  Tensor grad = grad_BHTR;
  if (table_BTC.size(-1) == half) {
    grad = interleaved ? slice(grad, -1, 0, kEnd, 2) + slice(grad, -1, 1, kEnd, 2)
                       : narrow(grad, -1, 0, half) + narrow(grad, -1, half, half);
  }
  return cast(reshape(sum_to(grad, shape), table_BTC.shape()), table_BTC.dtype());
}

Tensor with_rest(const Tensor& rotated, const Tensor& x, int64_t rotary_dim) {
  if (rotary_dim == x.size(-1)) return rotated;
  return concat({rotated, narrow(x, -1, rotary_dim, x.size(-1) - rotary_dim)}, -1);
}

}  // namespace

TensorSpec op::Rope::check(const Tensor& x, const Tensor& cos, const Tensor& sin) const {
  require_floating(name, "x", x);
  require_dims(name, "x", x, 4);
  require_dims(name, "cos", cos, 3);
  require_floating(name, "cos", cos);
  require_shape(name, "sin", sin, cos.shape());
  require_same_dtype(name, "cos", cos, "sin", sin);
  if (cos.dtype() != x.dtype() && !(cos.dtype() == DType::f32 && size_of(x.dtype()) == 2)) {
    throw Error(ErrorKind::kInvalidArgument, name, fmt::format("cos is {} for x {}", cos.describe(), x.describe()),
                "cast cos and sin");
  }
  const int64_t angles = cos.size(2);
  const bool fits = rotary_dim > 0 && rotary_dim <= x.size(3) && rotary_dim % 2 == 0 &&
                    (angles == rotary_dim || 2 * angles == rotary_dim) && cos.size(1) == x.size(2) &&
                    (cos.size(0) == x.size(0) || cos.size(0) == 1);
  if (!fits) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("cos and sin {} do not rotate {} elements of x {}", cos.shape().to_string(), rotary_dim,
                            x.shape().to_string()),
                "cos and sin are [batch or 1, tokens, rotary_dim or rotary_dim / 2]");
  }
  return {x.shape(), x.dtype()};
}

Tensor op::Rope::decompose(const Tensor& x, const Tensor& cos, const Tensor& sin) const {
  const Tensor head = widen(narrow(x, -1, 0, rotary_dim));
  const Tensor rotated = head * per_element(cos, rotary_dim, interleaved) +
                         quarter_turn(head, interleaved) * per_element(sin, rotary_dim, interleaved);
  return with_rest(cast(rotated, x.dtype()), x, rotary_dim);
}

// The transpose of a quarter turn is a quarter turn back, its negative.
Tensors op::Rope::vjp(const Backward& b) const {
  const Tensor &x = b.input(0), &cos = b.input(1), &sin = b.input(2);
  const Tensor g = widen(narrow(b.grad(), -1, 0, rotary_dim));
  Tensors grads(3);
  if (b.needs_input(0)) {
    if (2 * cos.size(-1) == rotary_dim) {
      grads[0] = apply(*this, b.grad(), cos, -sin);
    } else {
      const Tensor turned = quarter_turn(g * per_element(sin, rotary_dim, interleaved), interleaved);
      const Tensor grad = g * per_element(cos, rotary_dim, interleaved) - turned;
      grads[0] = with_rest(cast(grad, x.dtype()), b.grad(), rotary_dim);
    }
  }
  const Tensor head = widen(narrow(x, -1, 0, rotary_dim));
  if (b.needs_input(1)) grads[1] = gradient_of_table(g * head, cos, interleaved);
  if (b.needs_input(2)) grads[2] = gradient_of_table(g * quarter_turn(head, interleaved), sin, interleaved);
  return grads;
}

Tensor rope(const Tensor& x, const Tensor& cos, const Tensor& sin, RotaryPairs pairs, int64_t rotary_dim) {
  require_defined(op::Rope::name, "x", x);
  if (rotary_dim == 0 && x.dim() > 0) rotary_dim = x.size(-1);
  return apply(op::Rope{pairs == RotaryPairs::kInterleaved, rotary_dim}, x, cos, sin);
}

void register_rope(OpTable& table) {
  table.add<op::Rope>([]() -> std::vector<Sample> {
    const auto sample = [](const char* name, const Shape& x, const Shape& angles, RotaryPairs pairs, int64_t dim) {
      return Sample{name,
                    {sample_values(x), sample_values(angles, -1, 1, 2), sample_values(angles, -1, 1, 3)},
                    [=](std::span<const Tensor> in) -> Tensors { return {rope(in[0], in[1], in[2], pairs, dim)}; }};
    };
    return {
        sample("halves", {2, 3, 5, 6}, {2, 5, 3}, RotaryPairs::kHalves, 0),
        sample("interleaved", {2, 3, 5, 6}, {1, 5, 3}, RotaryPairs::kInterleaved, 0),
        sample("an angle per element", {2, 2, 3, 4}, {1, 3, 4}, RotaryPairs::kHalves, 0),
        sample("interleaved, an angle per element", {1, 2, 3, 4}, {1, 3, 4}, RotaryPairs::kInterleaved, 0),
        sample("partial", {2, 2, 3, 7}, {2, 3, 2}, RotaryPairs::kHalves, 4),
        sample("partial, an angle per element", {2, 2, 3, 7}, {2, 3, 4}, RotaryPairs::kHalves, 4),
        sample("interleaved, partial", {2, 2, 3, 6}, {2, 3, 2}, RotaryPairs::kInterleaved, 4),
        sample("no tokens", {2, 2, 0, 6}, {2, 0, 3}, RotaryPairs::kHalves, 0),
    };
  });
}

}  // namespace imago
