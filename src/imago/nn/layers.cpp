#include "imago/nn/layers.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/linear_observer.h"
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
  if (LinearObserver* const observer = LinearObserver::current()) observer->observe(*this, x);
  if (!adapter.adapter) return linear(x, weight, bias);
  return adapter.adapter->forward(x, {weight, bias, [this](const Tensor& y) { return linear(y, weight, bias); }, {}});
}

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim, std::optional<int64_t> padding)
    : weight(parameter({num_embeddings, embedding_dim})), padding_idx(padding) {
  if (!padding || (*padding >= -num_embeddings && *padding < num_embeddings)) return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              fmt::format("pad_token_id {} is none of {} tokens", *padding, num_embeddings),
              "set it to a token of the vocabulary, or to null");
}

Tensor Embedding::operator()(const Tensor& indices) const {
  const ErrorScope scope(path);
  if (!adapter.adapter) return embedding(indices, weight, padding_idx);
  const Tensor no_bias;
  return adapter.adapter->forward(
      indices, {weight, no_bias, [this](const Tensor& i) { return embedding(i, weight, padding_idx); }, padding_idx});
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
