// The layer of attention and of two dense layers, each behind a norm and added to what it reads (Xiong et al. 2020, "On
// Layer Normalization in the Transformer Architecture"). B batch, T tokens, D hidden.
#pragma once

#include <string>

#include "imago/nn/feed_forward.h"
#include "imago/nn/multi_head_attention.h"

namespace imago::nn {

struct PreNormOptions {
  int64_t hidden_size = 0, heads = 0, intermediate_size = 0;
  std::string activation = "gelu";
  double eps = 1e-5, dropout = 0;  // dropout of what is added
  bool input_bias = true;          // of queries, keys and values
};

// h = x + attention(norm1(x)), then h + mlp(norm2(h)).
struct PreNorm : Module {
  Projections attention;
  LayerNorm norm1, norm2;
  TwoLinears mlp;

  explicit PreNorm(const PreNormOptions& o);
  Tensor operator()(const Tensor& x_BTD, const AttentionContext& context) const;

  double dropped;
};

// The same under an architecture's names.
template <FieldName query, FieldName key, FieldName value, FieldName output, FieldName first_norm,
          FieldName second_norm, FieldName first_dense, FieldName second_dense>
struct PreNormLayer : PreNorm {
  using PreNorm::PreNorm;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, query, attention.query);
    imago::internal::visit_field(visitor, key, attention.key);
    imago::internal::visit_field(visitor, value, attention.value);
    imago::internal::visit_field(visitor, output, attention.output);
    imago::internal::visit_field(visitor, first_norm, norm1);
    imago::internal::visit_field(visitor, second_norm, norm2);
    imago::internal::visit_field(visitor, first_dense, mlp.first);
    imago::internal::visit_field(visitor, second_dense, mlp.second);
  }
};

// The layers, one behind the other. The hidden states are not normalised.
template <class Layer>
BaseModelOutput run_layers(Tensor x_BTD, const std::vector<Layer>& layers, const AttentionContext& context,
                           Recorder& record) {
  for (const Layer& layer : layers) x_BTD = layer(record(x_BTD), context);
  return record.finish(x_BTD);
}

}  // namespace imago::nn
