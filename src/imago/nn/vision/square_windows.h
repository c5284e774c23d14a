// Layers of a ViT with attention inside windows or to the whole square picture, and scores of distances that split into
// rows and columns (Li et al. 2022, "Exploring Plain Vision Transformer Backbones for Object Detection"): SAM's
// encoder.
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/layers.h"
#include "imago/nn/vision/windows.h"

namespace imago::nn {

struct SquareWindowOptions {
  int64_t hidden_size = 0, heads = 0, inner_size = 0;
  int64_t grid = 0;  // patches along a side of the picture
  bool qkv_bias = true, distances = true;
  std::string_view hidden_act = "gelu";
  double layer_norm_eps = 1e-6;
};

struct ActivatedMLP : Module {
  nn::Linear lin1, lin2;
  nn::Activation activation;
  FIELDS(lin1, lin2)

  ActivatedMLP(int64_t size, int64_t inner, std::string_view hidden_act);
  Tensor operator()(const Tensor& x) const { return lin2(activation(lin1(x))); }
};

// Attention inside a square of `side` patches, with scores for distances down and to the right.
struct SquareAttention : Module {
  Linear qkv, proj;
  Tensor rel_pos_h, rel_pos_w;  // [2 side - 1, K]
  int64_t heads, side;
  FIELDS(qkv, proj, rel_pos_h, rel_pos_w)

  SquareAttention(const SquareWindowOptions& o, int64_t side);
  Tensor operator()(const Tensor& x_BND, const AttentionContext& context) const;
};

struct SquareWindowLayer : Module {
  LayerNorm layer_norm1, layer_norm2;
  SquareAttention attn;
  ActivatedMLP mlp;
  int64_t window;  // 0: the whole picture is one
  FIELDS(layer_norm1, attn, layer_norm2, mlp)

  SquareWindowLayer(const SquareWindowOptions& o, int64_t window);
  Tensor operator()(const Tensor& x_BHWD, const AttentionContext& context) const;
};

}  // namespace imago::nn
