#include "imago/nn/state_space.h"

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/rms_norm/rms_norm.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

CausalConvolution::CausalConvolution(int64_t channels, int64_t kernel_size, bool with_bias)
    : weight(parameter({channels, 1, kernel_size})) {
  if (with_bias) bias = parameter({channels});
}

Tensor CausalConvolution::operator()(const Tensor& x_BCT, Tensor& past) const {
  const ErrorScope scope(path);
  const int64_t seen = weight.size(2) - 1;
  if (!past) past = Tensor::zeros({x_BCT.size(0), x_BCT.size(1), seen}, x_BCT.dtype());
  const Tensor all = concat({past, x_BCT}, 2);
  past = narrow(all, 2, all.size(2) - seen, seen);
  return convolution(all, weight, bias, {1}, {0}, {1}, weight.size(0));
}

Tensor WideRMSNorm::operator()(const Tensor& x) const {
  const ErrorScope scope(path);
  const DType wide = size_of(x.dtype()) > size_of(weight.dtype()) ? x.dtype() : weight.dtype();
  return rms_norm(cast(x, wide), cast(weight, wide), eps);
}

Tensor WideLMHead::operator()(const Tensor& x_BTD) const {
  return widen(LMHead::operator()(cast(x_BTD, weight.dtype())));
}

Tensor without_padding(const Tensor& x_BTC, const Tensor& attention_mask) {
  if (!attention_mask) return x_BTC;
  const Tensor last = narrow(attention_mask, 1, attention_mask.size(1) - x_BTC.size(1), x_BTC.size(1));
  return x_BTC * unsqueeze(cast(last, x_BTC.dtype()), 2);
}

}  // namespace imago::nn
