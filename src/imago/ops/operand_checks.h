// Checks of operations with several operands, which an error has to tell apart: `what` is the operand's name. All throw
// Error kInvalidArgument naming the operation; op_checks.h has those of operations on a single kind of operand.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago {

void require_defined(const char* where, const char* what, const Tensor& x);

// Throws kUnsupported for a dtype that is not computed with.
void require_floating(const char* where, const char* what, const Tensor& x);

// `other` may be undefined.
void require_same_dtype(const char* where, const char* what, const Tensor& x, const char* other_what,
                        const Tensor& other);

// `x` may be undefined.
void require_shape(const char* where, const char* what, const Tensor& x, const Shape& shape);

void require_dims(const char* where, const char* what, const Tensor& x, int dims);

// int64 or int32
void require_index(const char* where, const char* what, const Tensor& x);

}  // namespace imago
