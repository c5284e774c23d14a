// A convolution and the normalization behind it as one operation.
#pragma once

#include "imago/nn/vision/convolution_layers.h"

namespace imago::nn {

// norm(conv(x)), plus `residual` where it is defined, and relu of that if asked for: in one pass where no gradient is
// wanted.
Tensor normed_convolution(const Conv2d& conv, const BatchNorm2d& norm, const Tensor& x, const Tensor& residual = {},
                          bool with_relu = false);

}  // namespace imago::nn
