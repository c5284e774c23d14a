// A convolution over time, named and shaped as in torch.nn.
#pragma once

#include "imago/nn/module.h"

namespace imago::nn {

struct Conv1dOptions {
  int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
  bool bias = true;
};

// [B, in, T] -> [B, out, T'], with weight [out, in / groups, kernel].
struct Conv1d : Module {
  Tensor weight, bias;
  FIELDS(weight, bias)

  Conv1d() = default;
  Conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const Conv1dOptions& o = {});
  Tensor operator()(const Tensor& x) const;

  Conv1dOptions options;
};

}  // namespace imago::nn
