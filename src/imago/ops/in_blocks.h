// Gradients that are long expressions of large tensors, a block at a time: what comes between stays small and in the
// cache, where whole tensors of it would be the most that a training step holds.
#pragma once

#include <span>

#include "imago/base/thread_pool.h"  // FunctionRef
#include "imago/tensor/tensor.h"

namespace imago {

// The results of `expression`, which computes each element, or each row of the last `row_dims` dimensions, from those
// at the same place in `inputs`; all inputs have one shape, and so have the results. With `row_dims` it sees the block
// as [rows, row...]. On one block, whole, where that is recorded or has no values.
Tensors in_blocks(std::span<const Tensor> inputs, int row_dims,
                  FunctionRef<Tensors(std::span<const Tensor> block)> expression);

}  // namespace imago
