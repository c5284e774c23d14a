// BitNet b1.58 (Ma et al. 2024): weights of -1, 0 and 1, activations of 8 bits.
#pragma once

#include <cstdint>

#include "imago/tensor/tensor.h"

namespace imago::quant {

// Packed as the reference's: uint8 [rows / 4, columns], of which the two bits i hold, one more than it is, the value of
// the row i * rows / 4 + the byte's. `scale` is one number: values are divided by it where `divides`, as the
// reference's "bitlinear" does, else multiplied ("autobitlinear"). Each row of activations is rounded to 127 over its
// largest magnitude, which is taken as at least 1e-5; products are sums of integers, exactly. Throws Error kInvalidFile
// for shapes and dtypes that do not fit, kUnsupported for more than 2^22 columns.
Tensor bitnet_weight(const Tensor& packed, const Tensor& scale, bool divides, DType dtype);

}  // namespace imago::quant
