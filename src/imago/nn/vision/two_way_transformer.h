// Tokens that attend to a picture, which attends to them (Kirillov et al. 2023, "Segment Anything", appendix A). B
// pictures, P prompts of each, T tokens of a prompt, N places of the picture, D hidden.
#pragma once

#include "imago/nn/vision/square_windows.h"

namespace imago::nn {

struct TwoWayOptions {
  int64_t hidden_size = 0, heads = 0, inner_size = 0, layers = 0;
  int64_t final_downsample_rate = 2;  // by which the attention behind the layers is narrower
  std::string_view hidden_act = "relu";
  double layer_norm_eps = 1e-6;
};

// Of tokens [B, P, T, D] and pictures [B, P, N, D], which may have one P for all.
struct PromptAttention : Module {
  Linear q_proj, k_proj, v_proj, out_proj;
  int64_t heads;
  FIELDS(q_proj, k_proj, v_proj, out_proj)

  PromptAttention(const TwoWayOptions& o, int64_t downsample_rate);
  Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionContext& context) const;
};

struct TwoWayLayer : Module {
  PromptAttention self_attn, cross_attn_token_to_image, cross_attn_image_to_token;
  LayerNorm layer_norm1, layer_norm2, layer_norm3, layer_norm4;
  ActivatedMLP mlp;
  bool first;  // whose queries are their own positions
  FIELDS(self_attn, layer_norm1, cross_attn_token_to_image, layer_norm2, mlp, layer_norm3, layer_norm4,
         cross_attn_image_to_token)

  TwoWayLayer(const TwoWayOptions& o, bool is_first);
  // Moves both on, and gives what the picture took from the tokens.
  Tensor operator()(Tensor& tokens, Tensor& picture, const Tensor& token_places, const Tensor& picture_places,
                    const AttentionContext& context) const;
};

struct TwoWayTransformer : Module {
  std::vector<TwoWayLayer> layers;
  PromptAttention final_attn_token_to_image;
  LayerNorm layer_norm_final_attn;
  FIELDS(layers, final_attn_token_to_image, layer_norm_final_attn)

  explicit TwoWayTransformer(const TwoWayOptions& o);
};

// Dense layers with relu between them.
struct FeedForward : Module {
  Linear proj_in, proj_out;
  std::vector<Linear> layers;
  FIELDS(proj_in, proj_out, layers)

  FeedForward(int64_t in, int64_t hidden, int64_t out, int64_t depth);
  Tensor operator()(const Tensor& x) const;
};

}  // namespace imago::nn
