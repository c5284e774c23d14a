// Operations on two tensors element by element, or on a tensor and a number. Tensors broadcast and have one dtype; a
// number adopts the tensor's.
#pragma once

#include <optional>

#include "imago/ops/apply.h"
#include "imago/ops/op_checks.h"

namespace imago {
namespace op {

TensorSpec check_binary(const char* name, Accepts accepts, const Tensor& a, const Tensor& b);
TensorSpec check_scalar(const char* name, Accepts accepts, const Tensor& x, double value);

#define IMAGO_BINARY(Struct, function, accepts)                                                                     \
  struct Struct {                                                                                                   \
    static constexpr const char* name = #function;                                                                  \
    FIELDS()                                                                                                        \
    TensorSpec check(const Tensor& a, const Tensor& b) const { return check_binary(name, Accepts::accepts, a, b); } \
    Tensors vjp(const Backward& b) const;                                                                           \
  };
#define IMAGO_SCALAR(Struct, op_name, accepts)                                                         \
  struct Struct {                                                                                      \
    static constexpr const char* name = #op_name;                                                      \
    double value;                                                                                      \
    FIELDS(value)                                                                                      \
    TensorSpec check(const Tensor& x) const { return check_scalar(name, Accepts::accepts, x, value); } \
    Tensors vjp(const Backward& b) const;                                                              \
  };

IMAGO_BINARY(Add, add, kComputed)
IMAGO_BINARY(Sub, sub, kNumbers)
IMAGO_BINARY(Mul, mul, kComputed)
IMAGO_BINARY(Div, div, kFloating)
IMAGO_BINARY(Pow, pow, kNumbers)
IMAGO_BINARY(Maximum, maximum, kComputed)
IMAGO_BINARY(Minimum, minimum, kComputed)
IMAGO_BINARY(Remainder, remainder, kNumbers)
IMAGO_BINARY(Fmod, fmod, kNumbers)
IMAGO_BINARY(FloorDivide, floor_divide, kNumbers)
IMAGO_BINARY(Atan2, atan2, kFloating)
IMAGO_SCALAR(AddScalar, add_scalar, kNumbers)
IMAGO_SCALAR(MulScalar, mul_scalar, kNumbers)
IMAGO_SCALAR(DivScalar, div_scalar, kFloating)
IMAGO_SCALAR(PowScalar, pow_scalar, kNumbers)

#undef IMAGO_BINARY
#undef IMAGO_SCALAR

struct Clamp {
  static constexpr const char* name = "clamp";
  std::optional<double> min, max;
  FIELDS(min, max)
  TensorSpec check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// Integers wrap around. Of bool, add is "or" and mul is "and".
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor add(const Tensor& a, double b);
Tensor sub(const Tensor& a, double b);
Tensor mul(const Tensor& a, double b);

// True division, of floating-point numbers only (integers are cast first, or use floor_divide).
Tensor div(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, double b);

// The quotient rounded down, and a - floor(a / b) * b, which has the sign of b. An integer divisor of zero is an Error
// kInvalidArgument.
Tensor floor_divide(const Tensor& a, const Tensor& b);
Tensor floor_divide(const Tensor& a, double b);
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor remainder(const Tensor& a, double b);

// a - trunc(a / b) * b, which has the sign of a: C's remainder.
Tensor fmod(const Tensor& a, const Tensor& b);

// An integer to a negative power is an Error where the power is one number, and rounded towards zero where it is a
// tensor (0, or a power of 1 or -1), as in torch.
Tensor pow(const Tensor& a, const Tensor& b);
Tensor pow(const Tensor& a, double b);
Tensor pow(double a, const Tensor& b);

// NaN where one side is NaN. The gradient is shared between equal elements.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);

// The angle of the point (x, y), in [-pi, pi].
Tensor atan2(const Tensor& y, const Tensor& x);

// a + weight (b - a)
Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight);
Tensor lerp(const Tensor& a, const Tensor& b, double weight);

// The values moved into [min, max]; everything is `max` where min > max. At least one bound is given.
Tensor clamp(const Tensor& x, std::optional<double> min, std::optional<double> max = std::nullopt);

}  // namespace imago
