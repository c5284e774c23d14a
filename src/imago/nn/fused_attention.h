// Self attention whose queries, keys and values come of one matrix (Black et al. 2022, "GPT-NeoX-20B"). B batch, T
// tokens, D hidden, H heads, G groups of them, K head size.
#pragma once

#include "imago/nn/grouped_query_attention.h"

namespace imago::nn {

struct FusedAttentionOptions {
  int64_t hidden_size = 0, heads = 0;
  std::optional<int64_t> groups;  // heads of keys and values, each with as many of the queries; all heads where absent
  int64_t layer = 0;              // whose keys and values the cache keeps
  bool bias = true;
};

// Each group's queries, its key and its value stand side by side in the matrix. Queries and keys are turned where the
// context has angles.
struct FusedAttention : Module {
  Linear query_key_value, dense;
  FIELDS(query_key_value, dense)

  explicit FusedAttention(const FusedAttentionOptions& o);
  Tensor operator()(const Tensor& x_BTD, const RotaryContext& context) const;

  int64_t heads, groups, layer;
};

}  // namespace imago::nn
