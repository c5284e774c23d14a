// Products of many rows with a matrix of groups, in tiles of 16-bit integers.
#pragma once

#include "imago/quant/group_product.h"

namespace imago::quant {

// As multiply_groups, for any m, with the same rounding of x and so the same bound. Twice as many products fit in a
// vector of 16-bit integers as of floats; the weights are unpacked once for all rows.
// False, with nothing done, where the processor's instruction set has no tile: then the weights are to be decoded.
bool multiply_tiles(const GroupMatrix& weight, const float* x, int64_t m, int64_t stride, const float* bias, float* y);

}  // namespace imago::quant
