// Attention whose three projections are one matrix.
#pragma once

#include "imago/nn/attention.h"
#include "imago/nn/layers.h"

namespace imago::nn {

// torch's MultiheadAttention, whose three projections are one matrix.
struct PackedAttention : Module {
  Tensor in_proj_weight, in_proj_bias;
  Linear out_proj;
  int64_t heads;
  FIELDS(in_proj_weight, in_proj_bias, out_proj)

  PackedAttention(int64_t hidden_size, int64_t head_count);
  Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionContext& context) const;
};

}  // namespace imago::nn
