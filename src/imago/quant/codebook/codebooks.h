// The encodings of the Hub that are tables.
#pragma once

#include <cstdint>
#include <string_view>

#include "imago/tensor/tensor.h"

namespace imago::quant {

// bitsandbytes' weights of 4 bits (Dettmers et al. 2023): `absmax` is the scale of each run of `block` elements.
struct FourBitTensors {
  Tensor codes;                         // uint8, two to a byte
  Tensor absmax;                        // float32; or, quantized in its turn, uint8 with the three below
  Tensor values;                        // float32 [16]: what the codes stand for
  Tensor nested_absmax, nested_values;  // float32 [runs / nested_block], [256]
  int64_t block = 64, nested_block = 256;
  float nested_offset = 0;
};

// The weight [rows, columns], values[code] * absmax. `name`: "nf4" or "fp4". Throws Error kInvalidFile for shapes and
// dtypes that do not fit.
Tensor four_bit_weight(std::string_view name, const FourBitTensors& tensors, int64_t rows, int64_t columns,
                       DType dtype);

// LLM.int8() (Dettmers et al. 2022): int8 [rows, columns], and the largest magnitude of each row, which 127 stands for.
// Products are taken with x as it is, so that outliers among it need no columns of their own.
Tensor int8_weight(const Tensor& codes, const Tensor& largest, DType dtype);

// int8 [rows, columns] and what each is multiplied by: one scale, or [rows, groups] of them.
Tensor scaled_int8_weight(const Tensor& codes, const Tensor& scales, DType dtype);

// float8_e4m3fn [rows, columns] and its scales: one, one a row, or one a tile of [tile_rows, tile_columns].
Tensor fp8_weight(const Tensor& codes, const Tensor& scales, int64_t tile_rows, int64_t tile_columns, DType dtype);

}  // namespace imago::quant
