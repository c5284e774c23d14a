// Attention to a few places that each query chooses (Zhu et al. 2020, "Deformable DETR: Deformable Transformers for
// End-to-End Object Detection"). B batch, N places of all levels, L levels, P points of a level, H heads, D hidden.
#pragma once

#include "imago/nn/layers.h"
#include "imago/nn/vision/patches.h"

namespace imago::nn {

struct DeformableAttention : Module {
  Linear sampling_offsets, attention_weights, value_proj, output_proj;
  int64_t heads, levels, points;
  FIELDS(sampling_offsets, attention_weights, value_proj, output_proj)

  DeformableAttention(int64_t hidden_size, int64_t head_count, int64_t level_count, int64_t point_count);
  // Of pictures' maps of several sizes, one behind the other, to all of them: `queries` [B, N, D] choose places around
  // their own, `values` [B, N, D] are read there, between pixels bilinearly.
  Tensor operator()(const Tensor& queries_BND, const Tensor& values_BND, const std::vector<Extent>& maps) const;
};

}  // namespace imago::nn
