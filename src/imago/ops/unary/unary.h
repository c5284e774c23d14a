// Operations on each element of one tensor.
#pragma once

#include "imago/ops/apply.h"
#include "imago/ops/op_checks.h"

namespace imago {
namespace op {

TensorSpec check_unary(const char* name, Accepts accepts, const Tensor& x);

#define IMAGO_UNARY(Struct, function, accepts)                                                 \
  struct Struct {                                                                              \
    static constexpr const char* name = #function;                                             \
    FIELDS()                                                                                   \
    TensorSpec check(const Tensor& x) const { return check_unary(name, Accepts::accepts, x); } \
    Tensors vjp(const Backward& b) const;                                                      \
  };
// One whose result is bool; no gradient flows through it.
#define IMAGO_PREDICATE(Struct, function)                                      \
  struct Struct {                                                              \
    static constexpr const char* name = #function;                             \
    static constexpr bool differentiable = false;                              \
    FIELDS()                                                                   \
    TensorSpec check(const Tensor& x) const {                                  \
      return {check_unary(name, Accepts::kComputed, x).shape, DType::boolean}; \
    }                                                                          \
  };

IMAGO_UNARY(Neg, neg, kNumbers)
IMAGO_UNARY(Abs, abs, kNumbers)
IMAGO_UNARY(Square, square, kNumbers)
IMAGO_UNARY(Sign, sign, kNumbers)
IMAGO_UNARY(Floor, floor, kNumbers)
IMAGO_UNARY(Ceil, ceil, kNumbers)
IMAGO_UNARY(Round, round, kNumbers)
IMAGO_UNARY(Relu, relu, kNumbers)
IMAGO_UNARY(Exp, exp, kFloating)
IMAGO_UNARY(Expm1, expm1, kFloating)
IMAGO_UNARY(Log, log, kFloating)
IMAGO_UNARY(Log1p, log1p, kFloating)
IMAGO_UNARY(Sqrt, sqrt, kFloating)
IMAGO_UNARY(Rsqrt, rsqrt, kFloating)
IMAGO_UNARY(Reciprocal, reciprocal, kFloating)
IMAGO_UNARY(Sin, sin, kFloating)
IMAGO_UNARY(Cos, cos, kFloating)
IMAGO_UNARY(Tanh, tanh, kFloating)
IMAGO_UNARY(Erf, erf, kFloating)
IMAGO_UNARY(Sigmoid, sigmoid, kFloating)
IMAGO_UNARY(BitwiseNot, bitwise_not, kIntegralOrBool)
IMAGO_PREDICATE(LogicalNot, logical_not)
IMAGO_PREDICATE(IsNan, isnan)
IMAGO_PREDICATE(IsInf, isinf)
IMAGO_PREDICATE(IsFinite, isfinite)

#undef IMAGO_UNARY
#undef IMAGO_PREDICATE

}  // namespace op

// Of floating-point numbers and integers (which wrap around). `round` goes to the nearest, halves to even.
Tensor neg(const Tensor& x);
Tensor abs(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sign(const Tensor& x);  // -1, 0 or 1; 0 for NaN
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);
Tensor relu(const Tensor& x);  // max(x, 0)

// Of floating-point numbers; the half types are computed in float and rounded once.
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);  // exp(x) - 1
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);  // log(1 + x)
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);       // 1 / sqrt(x)
Tensor reciprocal(const Tensor& x);  // 1 / x
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor erf(const Tensor& x);
Tensor sigmoid(const Tensor& x);  // 1 / (1 + exp(-x))

// Of integers: all bits inverted. Of bool: not.
Tensor bitwise_not(const Tensor& x);

// To bool, of every dtype.
Tensor logical_not(const Tensor& x);  // x == 0
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);

}  // namespace imago
