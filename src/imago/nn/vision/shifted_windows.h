// Layers with attention inside windows, every second of them shifted (Liu et al. 2021, "Swin Transformer"): those of
// Swin and its kin.
#pragma once

#include "imago/nn/feed_forward.h"
#include "imago/nn/vision/windows.h"

namespace imago::nn {

struct ShiftedWindowOptions {
  int64_t hidden_size = 0, heads = 0, window = 0, inner_size = 0;
  bool qkv_bias = true;
  std::string_view hidden_act = "gelu";
  double layer_norm_eps = 1e-5, dropout = 0;
};

// A learned score for each distance of query and key.
struct WindowPositionBias : Module {
  Tensor relative_position_bias_table;  // [(2 window - 1)^2, heads]
  int64_t window;
  FIELDS(relative_position_bias_table)

  WindowPositionBias(int64_t window, int64_t heads);
  Tensor operator()() const;  // [1, heads, window^2, window^2]
};

struct WindowAttention : Module {
  Linear q_proj, k_proj, v_proj, o_proj;
  WindowPositionBias relative_position_bias;
  int64_t heads;
  FIELDS(q_proj, k_proj, v_proj, o_proj, relative_position_bias)

  explicit WindowAttention(const ShiftedWindowOptions& o);
  // `regions` [B * windows, 1, window^2, window^2] is added to the scores, where there are any.
  Tensor operator()(const Tensor& windows, const Tensor& regions, AttentionContext context) const;
};

// Whether windows are shifted whatever the picture's size, as in backbones.
enum class Partition { kWhereItFits, kAlways };

struct ShiftedWindowLayer : Module {
  WindowAttention attention;
  LayerNorm layernorm_before, layernorm_after;
  MLP mlp;
  int64_t window, shift;
  FIELDS(attention, layernorm_before, layernorm_after, mlp)

  // Of windows that are shifted by half their size, or not; `path_rate` is how often a row goes without it in training.
  ShiftedWindowLayer(const ShiftedWindowOptions& o, bool shifted, double path_rate);
  Tensor operator()(const Tensor& x_BHWC, Partition partition, const AttentionContext& context) const;

  double dropped, path_rate;
};

// Four pixels become one of twice as many channels.
struct PatchMerging : Module {
  Linear reduction;
  LayerNorm norm;
  FIELDS(reduction, norm)

  explicit PatchMerging(int64_t size);
  Tensor operator()(const Tensor& x_BHWC) const;
};

}  // namespace imago::nn
