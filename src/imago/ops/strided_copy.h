// Copying between tensors of different strides and dtypes on the CPU: what contiguous, cast, copy_ and concat share.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago {

// target[i] = source[i], where `source` broadcasts to the target's shape. Both lie on the CPU.
void strided_copy_cpu(const Tensor& target, const Tensor& source);

}  // namespace imago
