#include "imago/ops/unary/unary.h"

#include <cmath>
#include <numbers>

#include "imago/ops/compare/compare.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operators.h"
#include "imago/ops/where/where.h"

namespace imago {

TensorSpec op::check_unary(const char* name, Accepts accepts, const Tensor& x) {
  require_dtype(name, accepts, x);
  return {x.shape(), x.dtype()};
}

// The function, and its gradient in terms of its input x, its output y and the gradient g of that.
#define IMAGO_UNARY(Struct, function, gradient)                                    \
  Tensor function(const Tensor& x) { return apply(op::Struct{}, x); }              \
  Tensors op::Struct::vjp(const Backward& b) const {                               \
    [[maybe_unused]] const Tensor &x = b.input(0), &y = b.output(), &g = b.grad(); \
    return {gradient};                                                             \
  }

IMAGO_UNARY(Neg, neg, -g)
IMAGO_UNARY(Abs, abs, g* sign(x))
IMAGO_UNARY(Square, square, g* x * 2)
IMAGO_UNARY(Relu, relu, masked_fill(g, y <= 0, 0))
IMAGO_UNARY(Exp, exp, g* y)
IMAGO_UNARY(Expm1, expm1, g*(y + 1))
IMAGO_UNARY(Log, log, g / x)
IMAGO_UNARY(Log1p, log1p, g / (x + 1))
IMAGO_UNARY(Sqrt, sqrt, g / (y * 2))
IMAGO_UNARY(Rsqrt, rsqrt, g*(y* y* y) * -0.5)
IMAGO_UNARY(Reciprocal, reciprocal, -g*(y* y))
IMAGO_UNARY(Sin, sin, g* cos(x))
IMAGO_UNARY(Cos, cos, -g* sin(x))
IMAGO_UNARY(Tanh, tanh, g*(1 - y * y))
IMAGO_UNARY(Erf, erf, g* exp(-square(x)) * (2 * std::numbers::inv_sqrtpi))
IMAGO_UNARY(Sigmoid, sigmoid, g* y*(1 - y))
// Steps: the gradient is zero wherever there is one.
IMAGO_UNARY(Sign, sign, Tensor())
IMAGO_UNARY(Floor, floor, Tensor())
IMAGO_UNARY(Ceil, ceil, Tensor())
IMAGO_UNARY(Round, round, Tensor())
IMAGO_UNARY(BitwiseNot, bitwise_not, Tensor())

#undef IMAGO_UNARY

Tensor logical_not(const Tensor& x) { return apply(op::LogicalNot{}, x); }
Tensor isnan(const Tensor& x) { return apply(op::IsNan{}, x); }
Tensor isinf(const Tensor& x) { return apply(op::IsInf{}, x); }
Tensor isfinite(const Tensor& x) { return apply(op::IsFinite{}, x); }

namespace {

// Inputs in [low, high]; `smooth` as in Sample.
template <class Op>
void add(OpTable& table, Tensor (*function)(const Tensor&), double low, double high, bool smooth = true) {
  table.add<Op>([=]() -> std::vector<Sample> {
    const auto call = [function](std::span<const Tensor> in) -> Tensors { return {function(in[0])}; };
    return {{"matrix", {sample_values({5, 7}, low, high)}, call, smooth},
            {"one number", {sample_values({}, low, high)}, call, smooth},
            {"empty", {sample_values({0, 3}, low, high)}, call, smooth}};
  });
}

template <class Op>
void add_bits(OpTable& table, Tensor (*function)(const Tensor&)) {
  table.add<Op>([=]() -> std::vector<Sample> {
    const auto call = [function](std::span<const Tensor> in) -> Tensors { return {function(in[0])}; };
    return {{"integers", {sample_indices({5, 7}, 9)}, call, false},
            {"bool", {logical_not(sample_indices({5, 7}, 2))}, call, false}};
  });
}

template <class Op>
void add_predicate(OpTable& table, Tensor (*function)(const Tensor&)) {
  table.add<Op>([=]() -> std::vector<Sample> {
    const auto call = [function](std::span<const Tensor> in) -> Tensors { return {function(in[0])}; };
    const Tensor special = Tensor::from<double>({0, -0.0, 1.5, INFINITY, -INFINITY, NAN}, {2, 3});
    return {{"special values", {special}, call, false}, {"integers", {sample_indices({3, 4}, 2)}, call, false}};
  });
}

}  // namespace

void register_unary(OpTable& table) {
  add<op::Neg>(table, neg, -2, 2);
  add<op::Abs>(table, abs, 0.1, 2);
  add<op::Square>(table, square, -2, 2);
  add<op::Sign>(table, sign, -2, 2, false);
  add<op::Floor>(table, floor, -9, 9, false);
  add<op::Ceil>(table, ceil, -9, 9, false);
  add<op::Round>(table, round, -9, 9, false);
  add<op::Relu>(table, relu, -2, 2);
  add<op::Exp>(table, exp, -3, 3);
  add<op::Expm1>(table, expm1, -3, 3);
  add<op::Log>(table, log, 0.1, 9);
  add<op::Log1p>(table, log1p, -0.9, 9);
  add<op::Sqrt>(table, sqrt, 0.1, 9);
  add<op::Rsqrt>(table, rsqrt, 0.1, 9);
  add<op::Reciprocal>(table, reciprocal, 0.1, 9);
  add<op::Sin>(table, sin, -9, 9);
  add<op::Cos>(table, cos, -9, 9);
  add<op::Tanh>(table, tanh, -3, 3);
  add<op::Erf>(table, erf, -3, 3);
  add<op::Sigmoid>(table, sigmoid, -9, 9);
  add_bits<op::BitwiseNot>(table, bitwise_not);
  add_predicate<op::LogicalNot>(table, logical_not);
  add_predicate<op::IsNan>(table, isnan);
  add_predicate<op::IsInf>(table, isinf);
  add_predicate<op::IsFinite>(table, isfinite);
}

}  // namespace imago
