// Checks that many operations share. Each throws Error naming the operation, the tensors and what to do.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago {

// The dtypes an operation takes. None takes the fp8 types, which are storage only.
enum class Accepts {
  kFloating,        // float64, float32, float16, bfloat16
  kNumbers,         // those and integers
  kComputed,        // those and bool
  kIntegralOrBool,  // integers and bool
};
void require_dtype(const char* where, Accepts accepts, const Tensor& x);
void require_index(const char* where, const Tensor& index);  // int64 or int32

// There is no promotion between tensors: both sides have one dtype.
void require_same_dtype(const char* where, const Tensor& a, const Tensor& b);
// A number adopts the tensor's dtype, so that it must be one of its values where that is an integer type.
void require_scalar_fits(const char* where, const Tensor& x, double value);

// The number as a tensor without dimensions, of the dtype and device of `x`.
Tensor scalar_like(const char* where, const Tensor& x, double value);

// The dimensions listed, non-negative and in increasing order; all of them where the list is empty.
Shape normalize_dims(const Shape& dims, int count, const char* where);

}  // namespace imago
