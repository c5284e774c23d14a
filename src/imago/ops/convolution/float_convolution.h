// Convolutions in float that are large enough for the kernel that stores no matrix of inputs.
#pragma once

#include "imago/ops/convolution/geometry.h"

namespace imago {

// Small ones are better off as plain products, which are summed in double.
bool is_float_convolution(const ConvolutionProblem& p);

// y of all pictures and groups. The epilogue's arrays have an entry per channel of all groups, its residual lies as y.
void float_convolution(const ConvolutionProblem& p, const float* x, const float* weight, float* y,
                       const kernels::RowEpilogue& epilogue);

}  // namespace imago
