// Reductions over dimensions: those listed, or all where the list is empty. `keepdim` keeps them with size 1.
#pragma once

#include <optional>

#include "imago/ops/apply.h"
#include "imago/ops/op_checks.h"

namespace imago {
namespace op {

// Kinds of result: the input's dtype, the same of at least one element, the same but int64 for integers and bool; bool;
// an index of one of at least one element.
enum class Reduces { kToSame, kToExtreme, kToSum, kToBool, kToIndex };

TensorSpec check_reduction(const char* name, Accepts accepts, Reduces reduces, const Tensor& x, const Shape& dims,
                           bool keepdim);

#define IMAGO_REDUCTION(Struct, function, accepts, reduces)                               \
  struct Struct {                                                                         \
    static constexpr const char* name = #function;                                        \
    Shape dims;                                                                           \
    bool keepdim;                                                                         \
    FIELDS(dims, keepdim)                                                                 \
    TensorSpec check(const Tensor& x) const {                                             \
      return check_reduction(name, Accepts::accepts, Reduces::reduces, x, dims, keepdim); \
    }                                                                                     \
    Tensors vjp(const Backward& b) const;                                                 \
  };

IMAGO_REDUCTION(Sum, sum, kComputed, kToSum)
IMAGO_REDUCTION(Mean, mean, kFloating, kToSame)
IMAGO_REDUCTION(Prod, prod, kComputed, kToSum)
IMAGO_REDUCTION(Amax, amax, kComputed, kToExtreme)
IMAGO_REDUCTION(Amin, amin, kComputed, kToExtreme)
#undef IMAGO_REDUCTION

#define IMAGO_REDUCTION(Struct, function, accepts, reduces)                               \
  struct Struct {                                                                         \
    static constexpr const char* name = #function;                                        \
    static constexpr bool differentiable = false;                                         \
    Shape dims;                                                                           \
    bool keepdim;                                                                         \
    FIELDS(dims, keepdim)                                                                 \
    TensorSpec check(const Tensor& x) const {                                             \
      return check_reduction(name, Accepts::accepts, Reduces::reduces, x, dims, keepdim); \
    }                                                                                     \
  };

IMAGO_REDUCTION(Any, any, kComputed, kToBool)
IMAGO_REDUCTION(All, all, kComputed, kToBool)
IMAGO_REDUCTION(ArgMax, argmax, kNumbers, kToIndex)
IMAGO_REDUCTION(ArgMin, argmin, kNumbers, kToIndex)
#undef IMAGO_REDUCTION

struct Var {
  static constexpr const char* name = "var";
  Shape dims;
  double correction;
  bool keepdim;
  FIELDS(dims, correction, keepdim)
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
};

struct LogSumExp {
  static constexpr const char* name = "logsumexp";
  Shape dims;
  bool keepdim;
  FIELDS(dims, keepdim)
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
};

struct Norm {
  static constexpr const char* name = "norm";
  double p;
  Shape dims;
  bool keepdim;
  FIELDS(p, dims, keepdim)
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;  // zero at zero, where the decomposition has 0 / 0
};

}  // namespace op

// Sums and products of integers and bool are int64. Floating-point numbers are summed in double, so that the error does
// not grow with their count, and rounded once.
Tensor sum(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor prod(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const Shape& dims = {}, bool keepdim = false);  // of floating-point numbers; NaN of none

// NaN where there is one; of no elements an Error. The gradient is shared evenly between equal extremes.
Tensor amax(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Shape& dims = {}, bool keepdim = false);

// To bool: whether any element (every element) is not zero.
Tensor any(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Shape& dims = {}, bool keepdim = false);

// int64: the first index of the largest (smallest) element along `dim`, or in row-major order of all. NaN counts as
// both.
Tensor argmax(const Tensor& x, std::optional<int64_t> dim = std::nullopt, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<int64_t> dim = std::nullopt, bool keepdim = false);

// The largest (smallest) element along `dim` with its index, as argmax finds it. The whole gradient goes to that
// element.
struct Extreme {
  Tensor values, indices;
};
Extreme max(const Tensor& x, int64_t dim, bool keepdim = false);
Extreme min(const Tensor& x, int64_t dim, bool keepdim = false);

// sum((x - mean(x))^2) / (count - correction), and its square root. A correction of 1 is Bessel's.
Tensor var(const Tensor& x, const Shape& dims = {}, double correction = 1, bool keepdim = false);
Tensor standard_deviation(const Tensor& x, const Shape& dims = {}, double correction = 1, bool keepdim = false);

// log(sum(exp(x))) without overflow.
Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim = false);

// sum(|x|^p)^(1/p); the largest |x| for p = infinity, the smallest for -infinity, the count of x != 0 for p = 0.
Tensor norm(const Tensor& x, double p = 2, const Shape& dims = {}, bool keepdim = false);

}  // namespace imago
