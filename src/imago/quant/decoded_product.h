// Products with matrices in any encoding by way of their decoded rows.
#pragma once

#include <cstdint>

#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {

// As EncodedMatrix::multiply, through decode_row. Few rows of x are multiplied with a few decoded rows at a time, which
// stay in the thread's cache; many with as many as keep all threads busy.
void multiply_decoded(const EncodedMatrix& weight, const float* x, int64_t m, int64_t stride, const float* bias,
                      float* y);

}  // namespace imago::quant
