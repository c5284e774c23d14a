// Layer norm of pictures.
#pragma once

#include "imago/nn/layers.h"
#include "imago/ops/permute/permute.h"

namespace imago::nn {

// Over the channels of each pixel: [B, C, height, width].
struct PixelNorm : LayerNorm {
  PixelNorm() = default;
  explicit PixelNorm(int64_t channels, double epsilon = 1e-6) : LayerNorm(channels, epsilon) {}
  Tensor operator()(const Tensor& x_BCHW) const {
    return permute(LayerNorm::operator()(permute(x_BCHW, {0, 2, 3, 1})), {0, 3, 1, 2});
  }
};

}  // namespace imago::nn
