// Half precision's limits.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::nn {

// float16 does not hold the sums of the largest T5 and BART checkpoints: infinities become numbers near the largest
// one, as in the reference. Other types pass as they are.
Tensor keep_finite(const Tensor& x);

// a + b of two floating-point types in the wider one.
Tensor add_wider(const Tensor& a, const Tensor& b);

// The least finite number of a floating-point type, which the reference adds to the scores of what is hidden: a query
// that sees nothing then weighs all alike.
double lowest(DType dtype);

}  // namespace imago::nn
