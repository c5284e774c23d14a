// Comparisons and logic, element by element. Tensors broadcast and have one dtype; a number adopts the tensor's.
#pragma once

#include "imago/ops/apply.h"
#include "imago/ops/op_checks.h"

namespace imago {
namespace op {

TensorSpec check_comparison(const char* name, const Tensor& a, const Tensor& b);
TensorSpec check_bitwise(const char* name, const Tensor& a, const Tensor& b);

#define IMAGO_COMPARE(Struct, function, check_function)                                             \
  struct Struct {                                                                                   \
    static constexpr const char* name = #function;                                                  \
    static constexpr bool differentiable = false;                                                   \
    FIELDS()                                                                                        \
    TensorSpec check(const Tensor& a, const Tensor& b) const { return check_function(name, a, b); } \
  };

IMAGO_COMPARE(Eq, eq, check_comparison)
IMAGO_COMPARE(Ne, ne, check_comparison)
IMAGO_COMPARE(Lt, lt, check_comparison)
IMAGO_COMPARE(Le, le, check_comparison)
IMAGO_COMPARE(Gt, gt, check_comparison)
IMAGO_COMPARE(Ge, ge, check_comparison)
IMAGO_COMPARE(LogicalAnd, logical_and, check_comparison)
IMAGO_COMPARE(LogicalOr, logical_or, check_comparison)
IMAGO_COMPARE(LogicalXor, logical_xor, check_comparison)
IMAGO_COMPARE(BitwiseAnd, bitwise_and, check_bitwise)
IMAGO_COMPARE(BitwiseOr, bitwise_or, check_bitwise)
IMAGO_COMPARE(BitwiseXor, bitwise_xor, check_bitwise)

#undef IMAGO_COMPARE

}  // namespace op

// To bool. With NaN on a side everything is false but ne.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
Tensor eq(const Tensor& a, double b);
Tensor ne(const Tensor& a, double b);
Tensor lt(const Tensor& a, double b);
Tensor le(const Tensor& a, double b);
Tensor gt(const Tensor& a, double b);
Tensor ge(const Tensor& a, double b);

// To bool, of every dtype: a number counts as true where it is not 0.
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);

// Of integers or bool, to the same.
Tensor bitwise_and(const Tensor& a, const Tensor& b);
Tensor bitwise_or(const Tensor& a, const Tensor& b);
Tensor bitwise_xor(const Tensor& a, const Tensor& b);

}  // namespace imago
