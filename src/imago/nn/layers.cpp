#include "imago/nn/layers.h"

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/embedding/embedding.h"
#include "imago/ops/layer_norm/layer_norm.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/operators.h"
#include "imago/ops/rms_norm/rms_norm.h"

namespace imago::nn {

Linear::Linear(int64_t in_features, int64_t out_features, bool with_bias)
    : weight(parameter({out_features, in_features})) {
  if (with_bias) bias = parameter({out_features});
}

Tensor Linear::operator()(const Tensor& x) const {
  const ErrorScope scope(path);
  return linear(x, weight, bias);
}

Tensor Embedding::operator()(const Tensor& indices) const {
  const ErrorScope scope(path);
  return embedding(indices, weight);
}

LayerNorm::LayerNorm(int64_t size, double epsilon, bool with_bias) : weight(parameter({size})), eps(epsilon) {
  if (with_bias) bias = parameter({size});
}

Tensor LayerNorm::operator()(const Tensor& x) const {
  const ErrorScope scope(path);
  return layer_norm(x, {x.size(-1)}, weight, bias, eps);
}

Tensor RMSNorm::operator()(const Tensor& x) const {
  const ErrorScope scope(path);
  if (x.dtype() == weight.dtype()) return rms_norm(x, weight, eps);
  return cast(rms_norm(x, {}, eps), weight.dtype()) * weight;
}

}  // namespace imago::nn
