// Linear layers whose weights and activations are 8-bit integers (W8A8): a scale for each row of the weight, and one
// for each row of activations, found as they come.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::quant {

// compressed-tensors' "int-quantized" weights with dynamic activations a token: codes int8 [rows, columns], scales
// float [rows, 1] or one. A row of activations is divided by its largest magnitude over 127.5, rounded and kept within
// [-128, 127], as that package does where activations have three dimensions; where they have two, it takes one step for
// all of them together, which we do not. Throws Error kInvalidFile for shapes that do not fit, kUnsupported for more
// than Int8Weight::kMaxColumns columns.
Tensor int8_weight_with_activations(const Tensor& codes, const Tensor& scales, DType dtype);

// A weight as the same package rounds it: scales are a row's largest magnitude over 127.5, of the weight's dtype.
struct RowScaledTensors {
  Tensor codes;   // int8 [rows, columns]
  Tensor scales;  // [rows, 1]
};
// Throws Error kInvalidArgument for values that are not finite.
RowScaledTensors encode_row_scaled_int8(const Tensor& weight);

}  // namespace imago::quant
