// Points, boxes and rough masks as vectors (Kirillov et al. 2023, "Segment Anything", appendix A). B pictures, P
// prompts of each, T tokens of a prompt, D hidden.
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/layers.h"
#include "imago/nn/mask_generation_model.h"
#include "imago/nn/vision/convolution_layers.h"
#include "imago/nn/vision/pixel_norm.h"

namespace imago::nn {

struct PromptEncoderOptions {
  int64_t hidden_size = 0, image_size = 0, mask_channels = 0, position_features = 0;
  std::string_view hidden_act = "gelu";
  double layer_norm_eps = 1e-6;
};

// Places as sines and cosines of random frequencies (Tancik et al. 2020).
struct PositionalEmbedding : Module {
  Tensor positional_embedding;  // [2, D / 2]
  FIELDS(positional_embedding)

  explicit PositionalEmbedding(int64_t features) : positional_embedding(parameter({2, features})) {}
  Tensor operator()(const Tensor& places) const;  // [..., 2], from 0 to 1 -> [..., D]
  Tensor grid(int64_t side) const;                // of the middles of side * side fields: [1, side * side, D]
};

struct MaskEmbedding : Module {
  Conv2d conv1, conv2, conv3;
  PixelNorm layer_norm1, layer_norm2;
  Activation activation;
  FIELDS(conv1, layer_norm1, conv2, layer_norm2, conv3)

  explicit MaskEmbedding(const PromptEncoderOptions& o);
  Tensor operator()(const Tensor& masks) const;
};

struct PromptEncoder : Module {
  PositionalEmbedding shared_embedding;
  MaskEmbedding mask_embed;
  Embedding no_mask_embed, not_a_point_embed;
  std::vector<Embedding> point_embed;  // outside, inside, a box's first corner and its second
  int64_t image_size;
  FIELDS(shared_embedding, mask_embed, no_mask_embed, point_embed, not_a_point_embed)

  explicit PromptEncoder(const PromptEncoderOptions& o);
  Tensor sparse(const MaskPrompts& in) const;  // [B, P, T, D]; undefined where there are neither points nor boxes
  Tensor dense(const MaskPrompts& in) const;   // broadcasts to [B, D, height, width]

 private:
  Tensor places(const Tensor& pixels) const;
  Tensor points(const MaskPrompts& in) const;
};

}  // namespace imago::nn
