#include "imago/ops/binary/binary.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago {

TensorSpec op::check_binary(const char* name, Accepts accepts, const Tensor& a, const Tensor& b) {
  require_same_dtype(name, a, b);
  require_dtype(name, accepts, a);
  return {broadcast_shapes(a.shape(), b.shape(), name), a.dtype()};
}

TensorSpec op::check_scalar(const char* name, Accepts accepts, const Tensor& x, double value) {
  require_dtype(name, accepts, x);
  require_scalar_fits(name, x, value);
  return {x.shape(), x.dtype()};
}

namespace {

// A gradient with the shape of the result, summed to the shape of input `i`; `gradient` computes it only if it is asked
// for.
template <class Gradient>
Tensor to_input(const Backward& b, int i, Gradient gradient) {
  return b.needs_input(i) ? sum_to(gradient(), b.input(i).shape()) : Tensor();
}

// Where the two are equal each gets half.
Tensors extremum_vjp(const Backward& b, const Tensor& first_wins) {
  const Tensor &x = b.input(0), &y = b.input(1), &g = b.grad();
  const Tensor shared = where(eq(x, y), g * 0.5, g);
  return {to_input(b, 0, [&] { return masked_fill(shared, logical_not(first_wins), 0); }),
          to_input(b, 1, [&] { return masked_fill(shared, logical_and(first_wins, ne(x, y)), 0); })};
}

}  // namespace

// The two gradients in terms of the inputs x and y, the output z and its gradient g.
#define IMAGO_BINARY_VJP(Struct, gradient_x, gradient_y)                                             \
  Tensors op::Struct::vjp(const Backward& b) const {                                                 \
    [[maybe_unused]] const Tensor &x = b.input(0), &y = b.input(1), &z = b.output(), &g = b.grad();  \
    return {to_input(b, 0, [&] { return gradient_x; }), to_input(b, 1, [&] { return gradient_y; })}; \
  }

IMAGO_BINARY_VJP(Add, g, g)
IMAGO_BINARY_VJP(Sub, g, -g)
IMAGO_BINARY_VJP(Mul, g* y, g* x)
IMAGO_BINARY_VJP(Div, g / y, -g*(z / y))
IMAGO_BINARY_VJP(Remainder, g, -g* floor_divide(x, y))
IMAGO_BINARY_VJP(Fmod, g, -g*((x - z) / y))
IMAGO_BINARY_VJP(Atan2, g* y / (x * x + y * y), -g* x / (x * x + y * y))
// x^0 is 1 at every x, and 0^y is 0 at every y > 0: there the formulas would give 0 * inf.
IMAGO_BINARY_VJP(Pow, g* masked_fill(y* pow(x, y - 1), eq(y, 0), 0),
                 g* z* log(where(logical_and(eq(x, 0), y >= 0), scalar_like(name, x, 1), x)))

#undef IMAGO_BINARY_VJP

Tensors op::FloorDivide::vjp(const Backward&) const { return {Tensor(), Tensor()}; }
Tensors op::Maximum::vjp(const Backward& b) const { return extremum_vjp(b, b.input(0) >= b.input(1)); }
Tensors op::Minimum::vjp(const Backward& b) const { return extremum_vjp(b, b.input(0) <= b.input(1)); }
Tensors op::AddScalar::vjp(const Backward& b) const { return {b.grad()}; }
Tensors op::MulScalar::vjp(const Backward& b) const { return {b.grad() * value}; }
Tensors op::DivScalar::vjp(const Backward& b) const { return {b.grad() / value}; }

Tensors op::PowScalar::vjp(const Backward& b) const {
  if (value == 0) return {Tensor()};
  return {b.grad() * (pow(b.input(0), value - 1) * value)};
}

TensorSpec op::Clamp::check(const Tensor& x) const {
  require_dtype(name, Accepts::kNumbers, x);
  if (!min && !max) throw Error(ErrorKind::kInvalidArgument, name, "neither min nor max is given");
  for (const std::optional<double>& bound : {min, max}) {
    if (bound) require_scalar_fits(name, x, *bound);
  }
  return {x.shape(), x.dtype()};
}

Tensors op::Clamp::vjp(const Backward& b) const {
  const Tensor& x = b.input(0);
  Tensor grad = b.grad();
  if (min) grad = masked_fill(grad, x < *min, 0);
  if (max) grad = masked_fill(grad, x > *max, 0);
  return {grad};
}

Tensor add(const Tensor& a, const Tensor& b) { return apply(op::Add{}, a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return apply(op::Sub{}, a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return apply(op::Mul{}, a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return apply(op::Div{}, a, b); }
Tensor pow(const Tensor& a, const Tensor& b) { return apply(op::Pow{}, a, b); }
Tensor maximum(const Tensor& a, const Tensor& b) { return apply(op::Maximum{}, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return apply(op::Minimum{}, a, b); }
Tensor remainder(const Tensor& a, const Tensor& b) { return apply(op::Remainder{}, a, b); }
Tensor fmod(const Tensor& a, const Tensor& b) { return apply(op::Fmod{}, a, b); }
Tensor floor_divide(const Tensor& a, const Tensor& b) { return apply(op::FloorDivide{}, a, b); }
Tensor atan2(const Tensor& y, const Tensor& x) { return apply(op::Atan2{}, y, x); }

Tensor add(const Tensor& a, double b) { return apply(op::AddScalar{b}, a); }
Tensor sub(const Tensor& a, double b) { return apply(op::AddScalar{-b}, a); }
Tensor mul(const Tensor& a, double b) { return apply(op::MulScalar{b}, a); }
Tensor div(const Tensor& a, double b) { return apply(op::DivScalar{b}, a); }
Tensor floor_divide(const Tensor& a, double b) { return floor_divide(a, scalar_like("floor_divide", a, b)); }
Tensor remainder(const Tensor& a, double b) { return remainder(a, scalar_like("remainder", a, b)); }
Tensor pow(double a, const Tensor& b) { return pow(scalar_like("pow", b, a), b); }

Tensor pow(const Tensor& a, double b) {
  if (b < 0 && !is_floating_point(a.dtype())) {
    throw Error(ErrorKind::kInvalidArgument, "pow", fmt::format("{} to the negative power {}", a.describe(), b),
                "cast to float32");
  }
  return apply(op::PowScalar{b}, a);
}

Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight) { return a + weight * (b - a); }
Tensor lerp(const Tensor& a, const Tensor& b, double weight) { return a + (b - a) * weight; }

Tensor clamp(const Tensor& x, std::optional<double> min, std::optional<double> max) {
  return apply(op::Clamp{min, max}, x);
}

namespace {

using BinaryFunction = Tensor (*)(const Tensor&, const Tensor&);
using ScalarFunction = Tensor (*)(const Tensor&, double);

// Values of the second input lie in [low, high], those of the first in [0.1, 3].
template <class Op>
void add_binary(OpTable& table, BinaryFunction function, double low = -2, double high = 2, bool smooth = true) {
  table.add<Op>([=]() -> std::vector<Sample> {
    const auto call = [function](std::span<const Tensor> in) -> Tensors { return {function(in[0], in[1])}; };
    const auto second = [=](const Shape& shape) { return sample_values(shape, low, high, 2); };
    const auto first = [](const Shape& shape) { return sample_values(shape, 0.1, 3); };
    return {{"matrices", {first({4, 5}), second({4, 5})}, call, smooth},
            {"broadcast row", {first({2, 3, 4}), second({4})}, call, smooth},
            {"broadcast both ways", {first({3, 1}), second({2, 1, 4})}, call, smooth},
            {"one number", {first({3, 2}), second({})}, call, smooth},
            {"empty", {first({2, 0, 3}), second({3})}, call, smooth},
            {"integers", {sample_indices({3, 4}, 9), sample_indices({3, 4}, 3, 2) + 1}, call, false}};
  });
}

// True division and atan2 take no integers.
template <class Op>
void add_floating(OpTable& table, BinaryFunction function) {
  table.add<Op>([=]() -> std::vector<Sample> {
    const auto call = [function](std::span<const Tensor> in) -> Tensors { return {function(in[0], in[1])}; };
    return {{"matrices", {sample_values({4, 5}), sample_values({4, 5}, 0.3, 3, 2)}, call},
            {"broadcast row", {sample_values({2, 3, 4}), sample_values({4}, 0.3, 3, 2)}, call},
            {"empty", {sample_values({2, 0}), sample_values({1}, 1, 2, 2)}, call}};
  });
}

template <class Op>
void add_scalar(OpTable& table, ScalarFunction function, double value) {
  table.add<Op>([=]() -> std::vector<Sample> {
    const auto call = [=](std::span<const Tensor> in) -> Tensors { return {function(in[0], value)}; };
    return {{"matrix", {sample_values({4, 5}, 0.1, 3)}, call}, {"empty", {sample_values({0, 3})}, call}};
  });
}

}  // namespace

void register_binary(OpTable& table) {
  add_binary<op::Add>(table, add);
  add_binary<op::Sub>(table, sub);
  add_binary<op::Mul>(table, mul);
  add_floating<op::Div>(table, div);
  add_binary<op::Pow>(table, pow);
  add_binary<op::Maximum>(table, maximum);
  add_binary<op::Minimum>(table, minimum);
  add_binary<op::Remainder>(table, remainder, 0.3, 0.9, false);
  add_binary<op::Fmod>(table, fmod, 0.3, 0.9, false);
  add_binary<op::FloorDivide>(table, floor_divide, 0.3, 0.9, false);
  add_floating<op::Atan2>(table, atan2);
  add_scalar<op::AddScalar>(table, add, 1.5);
  add_scalar<op::MulScalar>(table, mul, -1.7);
  add_scalar<op::DivScalar>(table, div, 3);
  add_scalar<op::PowScalar>(table, pow, 2.5);
  table.add<op::Clamp>([]() -> std::vector<Sample> {
    return {{"both bounds", {sample_values({5, 7})}, [](auto in) -> Tensors { return {clamp(in[0], -1, 1.5)}; }},
            {"maximum", {sample_values({5, 7})}, [](auto in) -> Tensors { return {clamp(in[0], {}, 0.5)}; }},
            {"integers", {sample_indices({9}, 9)}, [](auto in) -> Tensors { return {clamp(in[0], 2, 6)}; }, false}};
  });
}

}  // namespace imago
