// What the `check` of many operations asks of its inputs. All throw Error kInvalidArgument naming the operation.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago {

void check_defined(const char* where, const char* what, const Tensor& x);

// Throws kUnsupported for a dtype that is not computed with.
void check_floating(const char* where, const char* what, const Tensor& x);

// `other` may be undefined.
void check_same_dtype(const char* where, const char* what, const Tensor& x, const char* other_what,
                      const Tensor& other);

// `x` may be undefined.
void check_shape(const char* where, const char* what, const Tensor& x, const Shape& shape);

void check_dims(const char* where, const char* what, const Tensor& x, int dims);

// int64 or int32
void check_indices(const char* where, const char* what, const Tensor& x);

}  // namespace imago
