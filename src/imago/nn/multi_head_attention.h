// Multi-head attention with its four projections (Vaswani et al. 2017, section 3.2.2). B batch, T tokens, D hidden.
#pragma once

#include "imago/nn/attention.h"
#include "imago/nn/field_name.h"
#include "imago/nn/layers.h"

namespace imago::nn {

struct MultiHeadOptions {
  int64_t hidden_size = 0, heads = 0;
  std::optional<int64_t> head_size;  // hidden_size / heads where absent
  int64_t layer = 0;                 // whose keys and values the cache keeps
  bool bias = true;
  std::optional<double> scale;  // 1 / sqrt(head_size) where absent
};

// To all tokens, to those before, or to an encoder's output, as the context says.
struct Projections : Module {
  Linear query, key, value, output;

  explicit Projections(const MultiHeadOptions& o);
  Tensor operator()(const Tensor& x_BTD, const AttentionContext& context) const;

  int64_t heads, layer;
  std::optional<double> scale;
};

// The same under an architecture's names.
template <FieldName query_name, FieldName key_name, FieldName value_name, FieldName output_name>
struct MultiHeadAttention : Projections {
  using Projections::Projections;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, query_name, query);
    imago::internal::visit_field(visitor, key_name, key);
    imago::internal::visit_field(visitor, value_name, value);
    imago::internal::visit_field(visitor, output_name, output);
  }
};

}  // namespace imago::nn
