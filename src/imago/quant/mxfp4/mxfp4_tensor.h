// MXFP4 as checkpoints of the Hub have it (gpt-oss): blocks and their scales in two tensors.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::quant {

// The matrix [rows, columns] in `dtype` of `blocks` [rows, columns / 32, 16] and `scales` [rows, columns / 32], both
// uint8: each byte has the earlier of two neighbours in its low bits, a scale is 2^(scale - 127). Nothing is copied.
// The values, and sums of them, are exact but for float rounding. Throws Error kInvalidFile for other shapes or types.
Tensor mxfp4_matrix(const Tensor& blocks, const Tensor& scales, DType dtype);

}  // namespace imago::quant
