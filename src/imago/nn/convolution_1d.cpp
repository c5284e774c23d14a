#include "imago/nn/convolution_1d.h"

#include "imago/ops/convolution/convolution.h"

namespace imago::nn {

Conv1d::Conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const Conv1dOptions& o)
    : weight(parameter({out_channels, in_channels / o.groups, kernel_size})), options(o) {
  if (o.bias) bias = parameter({out_channels});
}

Tensor Conv1d::operator()(const Tensor& x) const {
  return convolution(x, weight, bias, {options.stride}, {options.padding}, {options.dilation}, options.groups);
}

}  // namespace imago::nn
