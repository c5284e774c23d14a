// Weights as the encodings of codebooks.h, in the order of operations of their own packages.
#pragma once

#include <cstdint>
#include <string_view>

#include "imago/quant/codebook/codebooks.h"
#include "imago/tensor/tensor.h"

namespace imago::quant {

// bitsandbytes' "nf4" or "fp4": codes [elements / 2, 1], absmax float32 of each run of `block` elements, and the values
// of the codes. Throws Error kInvalidArgument for a number of elements that is odd, and for values that are not finite.
FourBitTensors encode_four_bits(std::string_view name, const Tensor& weight, int64_t block = 64);

// LLM.int8(): the weight is rounded to float16 first.
struct Int8Tensors {
  Tensor codes;    // int8 [rows, columns]
  Tensor largest;  // float32 [rows]
};
Int8Tensors encode_int8(const Tensor& weight);

// The fine-grained fp8 of the Hub: tiles of [tile_rows, tile_columns], with the number that each is multiplied by
// again.
struct Fp8Tensors {
  Tensor codes;   // float8_e4m3fn [rows, columns]
  Tensor scales;  // float32 [rows / tile_rows, columns / tile_columns], rounded up
};
Fp8Tensors encode_fp8(const Tensor& weight, int64_t tile_rows, int64_t tile_columns);

}  // namespace imago::quant
