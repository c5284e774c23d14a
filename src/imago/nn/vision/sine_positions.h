// Places in pictures as sines and cosines (Carion et al. 2020, "End-to-End Object Detection with Transformers").
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::nn {

// Where each pixel stands among those that are no padding (bool [B, height, width]): [B, height * width, 2 * features].
Tensor sine_positions(const Tensor& visible_BHW, int64_t features, DType dtype);

}  // namespace imago::nn
