#pragma once

#include "imago/tensor/tensor.h"

namespace imago::nn {

// torch.nn.functional.binary_cross_entropy_with_logits, element by element; does not overflow.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets);

}  // namespace imago::nn
