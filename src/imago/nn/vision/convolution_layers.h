// Layers over pictures, named and shaped as in torch.nn.
#pragma once

#include "imago/nn/module.h"

namespace imago::nn {

struct Conv2dOptions {
  int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
  bool bias = true;
};

// x [B, in, height, width] -> [B, out, height', width'].
struct Conv2d : Module {
  Tensor weight, bias;
  Conv2dOptions options;
  Shape stride;  // of options, or of each dimension its own
  FIELDS(weight, bias)

  Conv2d() = default;
  Conv2d(int64_t in, int64_t out, int64_t kernel, const Conv2dOptions& o = {});
  // Of patches: as many pixels further as it is large, in both dimensions.
  static Conv2d patches(int64_t in, int64_t out, int64_t height, int64_t width, bool with_bias = true);
  Tensor operator()(const Tensor& x) const;
};

// Its transpose, which makes pictures larger.
struct ConvTranspose2d : Module {
  Tensor weight, bias;
  int64_t stride = 1;
  FIELDS(weight, bias)

  ConvTranspose2d() = default;
  ConvTranspose2d(int64_t in, int64_t out, int64_t kernel, int64_t stride);
  Tensor operator()(const Tensor& x) const;
};

// Ioffe and Szegedy 2015, with the means and variances that training saw.
struct BatchNorm2d : Module {
  Tensor weight, bias, running_mean, running_var;
  Tensor num_batches_tracked;  // in the checkpoint, and not used
  double eps = 1e-5;
  bool frozen = false;  // weight and bias are not learned either
  FIELDS(weight, bias, running_mean, running_var, num_batches_tracked)

  BatchNorm2d() = default;
  explicit BatchNorm2d(int64_t channels, double epsilon = 1e-5);
  Tensor operator()(const Tensor& x) const;
};

// [B, C, height, width] -> [B, height * width, C]; and back.
Tensor to_tokens(const Tensor& x_BCHW);
Tensor to_picture(const Tensor& x_BND, int64_t height, int64_t width);

// [B, C * factor^2, height, width] -> [B, C, height * factor, width * factor]: torch's PixelShuffle.
Tensor pixel_shuffle(const Tensor& x, int64_t factor);

}  // namespace imago::nn
