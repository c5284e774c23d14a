#include "imago/ops/embedding/embedding.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/where/where.h"

namespace imago {

TensorSpec op::Embedding::check(const Tensor& weight, const Tensor& indices) const {
  require_index(name, "indices", indices);
  require_dims(name, "weight", weight, 2);
  if (padding_idx && (*padding_idx < 0 || *padding_idx >= weight.size(0))) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("padding_idx {} is not a row of weight {}", *padding_idx, weight.describe()));
  }
  Shape shape = indices.shape();
  shape.push_back(weight.size(1));
  return {shape, weight.dtype()};
}

Tensors op::Embedding::vjp(const Backward& b) const {
  return {apply(op::EmbeddingGrad{b.input(0).size(0), padding_idx}, b.grad(), b.input(1)), {}};
}

TensorSpec op::EmbeddingGrad::check(const Tensor& grad, const Tensor& indices) const {
  require_index(name, "indices", indices);
  require_floating(name, "grad", grad);
  Shape shape = indices.shape();
  shape.push_back(grad.size(-1));
  require_shape(name, "grad", grad, shape);
  return {{num_embeddings, grad.size(-1)}, grad.dtype()};
}

Tensors op::EmbeddingGrad::vjp(const Backward& b) const {
  const Tensor& indices = b.input(1);
  Tensor rows = embedding(indices, b.grad());
  if (padding_idx) rows = masked_fill(rows, unsqueeze(eq(indices, static_cast<double>(*padding_idx)), -1), 0);
  return {rows, {}};
}

Tensor embedding(const Tensor& indices, const Tensor& weight, std::optional<int64_t> padding_idx) {
  if (padding_idx && *padding_idx < 0 && weight.dim() == 2) *padding_idx += weight.size(0);
  return apply(op::Embedding{padding_idx}, weight, indices);
}

void register_embedding(OpTable& table) {
  table.add<op::Embedding>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {embedding(in[1], in[0])}; };
    const Tensor weight = sample_values({7, 3});
    return {
        {"one row", {weight, sample_indices({1}, 7)}, call},
        {"batch, repeated rows", {weight, sample_indices({2, 9}, 7)}, call},
        {"no indices", {weight, sample_indices({2, 0}, 7)}, call},
        {"one index", {weight, sample_indices({}, 7)}, call},
        {"int32", {weight, Tensor::from<int32_t>({6, 0, 6})}, call},
    };
  });
  table.add<op::EmbeddingGrad>([]() -> std::vector<Sample> {
    const Tensor indices = Tensor::from<int64_t>({3, 0, 3, 1, 3, 2}, {2, 3});
    return {{"repeated rows",
             {sample_values({2, 3, 5}), indices},
             [](auto in) -> Tensors {
               return {apply(op::EmbeddingGrad{7, {}}, in[0], in[1])};
             }},
            {"padding row", {sample_values({2, 3, 5}), indices}, [](auto in) -> Tensors {
               return {apply(op::EmbeddingGrad{4, 3}, in[0], in[1])};
             }}};
  });
}

}  // namespace imago
