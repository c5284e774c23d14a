#pragma once

#include <optional>

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// Row indices[i] of the weight for every i. Rows chosen by `padding_idx` pass no gradient on.
struct Embedding {
  static constexpr const char* name = "embedding";
  std::optional<int64_t> padding_idx;
  FIELDS(padding_idx)
  TensorSpec check(const Tensor& weight, const Tensor& indices) const;
  Tensors vjp(const Backward& b) const;
};

// The gradient of the weight: the sum of the rows of `grad` that chose each of its `num_embeddings` rows.
struct EmbeddingGrad {
  static constexpr const char* name = "embedding_grad";
  int64_t num_embeddings;
  std::optional<int64_t> padding_idx;
  FIELDS(num_embeddings, padding_idx)
  TensorSpec check(const Tensor& grad, const Tensor& indices) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// torch.nn.functional.embedding: indices [...] (int64 or int32) and weight [num_embeddings, dim] give [..., dim].
// Throws Error kInvalidArgument where an index is not in [0, num_embeddings).
Tensor embedding(const Tensor& indices, const Tensor& weight, std::optional<int64_t> padding_idx = {});

}  // namespace imago
