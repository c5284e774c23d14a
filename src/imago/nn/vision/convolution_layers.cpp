#include "imago/nn/vision/convolution_layers.h"

#include "imago/base/error.h"
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/group_norm/group_norm.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::nn {

Conv2d::Conv2d(int64_t in, int64_t out, int64_t kernel, const Conv2dOptions& o)
    : weight(parameter({out, in / o.groups, kernel, kernel})), options(o), stride({o.stride}) {
  if (o.bias) bias = parameter({out});
}

Conv2d Conv2d::patches(int64_t in, int64_t out, int64_t height, int64_t width, bool with_bias) {
  Conv2d conv(in, out, 1, {.bias = with_bias});
  conv.weight = parameter({out, in, height, width});
  conv.stride = {height, width};
  return conv;
}

Tensor Conv2d::operator()(const Tensor& x) const {
  const ErrorScope scope(path);
  return convolution(x, weight, bias, stride, {options.padding}, {options.dilation}, options.groups);
}

ConvTranspose2d::ConvTranspose2d(int64_t in, int64_t out, int64_t kernel, int64_t step)
    : weight(parameter({in, out, kernel, kernel})), bias(parameter({out})), stride(step) {}

Tensor ConvTranspose2d::operator()(const Tensor& x) const {
  const ErrorScope scope(path);
  return convolution_transpose(x, weight, bias, {stride});
}

BatchNorm2d::BatchNorm2d(int64_t channels, double epsilon)
    : weight(parameter({channels})),
      bias(parameter({channels})),
      running_mean(parameter({channels})),
      running_var(parameter({channels})),
      num_batches_tracked(parameter({}, DType::i64)),
      eps(epsilon) {}

Tensor BatchNorm2d::operator()(const Tensor& x) const {
  const ErrorScope scope(path);
  // They are measured, not learned: no gradient reaches them.
  return batch_norm(x, running_mean.detach(), running_var.detach(), frozen ? weight.detach() : weight,
                    frozen ? bias.detach() : bias, false, 0, eps);
}

Tensor to_tokens(const Tensor& x_BCHW) { return transpose(flatten(x_BCHW, 2, 3), 1, 2); }

Tensor to_picture(const Tensor& x_BND, int64_t height, int64_t width) {
  return reshape(transpose(x_BND, 1, 2), {x_BND.size(0), x_BND.size(2), height, width});
}

Tensor pixel_shuffle(const Tensor& x, int64_t factor) {
  const int64_t batch = x.size(0), channels = x.size(1) / (factor * factor), height = x.size(2), width = x.size(3);
  const Tensor parts = reshape(x, {batch, channels, factor, factor, height, width});
  return reshape(permute(parts, {0, 1, 4, 2, 5, 3}), {batch, channels, height * factor, width * factor});
}

}  // namespace imago::nn
