// The layers that every architecture is made of, named and shaped as in torch.nn.
#pragma once

#include <optional>

#include "imago/nn/adapter.h"

namespace imago::nn {

// y = x W^T + b, with W [out_features, in_features].
struct Linear : Module {
  Tensor weight, bias;
  AdapterSlot adapter{AdapterSlot::Kind::kLinear};
  FIELDS(weight, bias, adapter)

  Linear() = default;
  Linear(int64_t in_features, int64_t out_features, bool with_bias = true);
  Tensor operator()(const Tensor& x) const;
};

// Row `index` of the table, for each index. [...] -> [..., embedding_dim]. The row `padding_idx` gets no gradient from
// here; a negative one counts from the end.
struct Embedding : Module {
  Tensor weight;
  std::optional<int64_t> padding_idx;
  AdapterSlot adapter{AdapterSlot::Kind::kEmbedding};
  FIELDS(weight, adapter)

  Embedding() = default;
  // Throws Error kInvalidFile for a padding_idx that is no row.
  Embedding(int64_t num_embeddings, int64_t embedding_dim, std::optional<int64_t> padding_idx = {});
  Tensor operator()(const Tensor& indices) const;
};

// Ba et al. 2016, over the last dimension.
struct LayerNorm : Module {
  Tensor weight, bias;
  double eps = 1e-5;
  FIELDS(weight, bias)

  LayerNorm() = default;
  LayerNorm(int64_t size, double epsilon, bool with_bias = true);
  Tensor operator()(const Tensor& x) const;
};

// Zhang and Sennrich 2019, over the last dimension; computed in float32 where x is narrower. The result has the
// weight's type (T5's residuals are wider than its weights in half precision).
struct RMSNorm : Module {
  Tensor weight;
  double eps = 1e-6;
  FIELDS(weight)

  RMSNorm() = default;
  RMSNorm(int64_t size, double epsilon) : weight(parameter({size})), eps(epsilon) {}
  Tensor operator()(const Tensor& x) const;
};

}  // namespace imago::nn
