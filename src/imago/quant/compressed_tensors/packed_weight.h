// Weights as the "pack-quantized" format of compressed-tensors stores them (llm-compressor's).
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::quant {

// A layer of `in` inputs and `out` outputs; values have an offset of half their range.
struct PackedTensors {
  Tensor packed;       // int32 [out, in * bits / 32, rounded up]
  Tensor scale;        // float [out, groups]
  Tensor zero_points;  // int32 [out * bits / 32, rounded up, groups]; undefined for zero points in the middle
};

// The weight [out, in], scale * (q - zero) exactly. Throws Error kUnsupported for bits other than 4 and 8, groups that
// are no multiple of 32, scales beyond float16, and kInvalidFile for shapes that do not fit.
Tensor packed_weight(const PackedTensors& tensors, int64_t out, int64_t in, int64_t bits, DType dtype);

}  // namespace imago::quant
