#include "imago/nn/vision/normed_convolution.h"

#include "imago/base/error.h"
#include "imago/ops/convolution_batch_norm/convolution_batch_norm.h"
#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"

namespace imago::nn {

Tensor normed_convolution(const Conv2d& conv, const BatchNorm2d& norm, const Tensor& x, const Tensor& residual,
                          bool with_relu) {
  // The gradient of the operation in one would compute its parts once more.
  if (grad_enabled() || conv.bias) {
    Tensor y = norm(conv(x));
    if (residual) y = y + residual;
    return with_relu ? relu(y) : y;
  }
  const ErrorScope scope(conv.path);
  return convolution_batch_norm(x, conv.weight, norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps,
                                residual, with_relu, conv.stride, {conv.options.padding}, {conv.options.dilation},
                                conv.options.groups);
}

}  // namespace imago::nn
