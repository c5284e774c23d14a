// The half of SAM that looks at the picture: a ViT with windows (Li et al. 2022, "Exploring Plain Vision Transformer
// Backbones for Object Detection").
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/vision/patches.h"
#include "imago/nn/vision/pixel_norm.h"
#include "imago/nn/vision/square_windows.h"

namespace imago::sam {

struct SamVisionConfig : Config {
  static constexpr const char* kModelType = "sam_vision_model";
  int64_t hidden_size = 768, output_channels = 256, num_hidden_layers = 12, num_attention_heads = 12, num_channels = 3;
  int64_t image_size = 1024, patch_size = 16, window_size = 14, num_pos_feats = 128;
  std::vector<int64_t> global_attn_indexes = {2, 5, 8, 11};
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-6, mlp_ratio = 4;
  bool qkv_bias = true, use_abs_pos = true, use_rel_pos = true;
  std::optional<int64_t> mlp_dim, scale;  // scale is of new weights only
  FIELDS_AND(Config, hidden_size, output_channels, num_hidden_layers, num_attention_heads, num_channels, image_size,
             patch_size, window_size, num_pos_feats, global_attn_indexes, hidden_act, layer_norm_eps, mlp_ratio,
             qkv_bias, use_abs_pos, use_rel_pos, mlp_dim, scale)

  void validate() const override;
  nn::SquareWindowOptions windows() const;
  int64_t grid() const { return image_size / patch_size; }
};

struct Neck : Module {
  nn::Conv2d conv1, conv2;
  nn::PixelNorm layer_norm1, layer_norm2;
  FIELDS(conv1, layer_norm1, conv2, layer_norm2)

  explicit Neck(const SamVisionConfig& c);
  Tensor operator()(const Tensor& x) const { return layer_norm2(conv2(layer_norm1(conv1(x)))); }
};

struct VisionEncoder : Module {
  struct PatchEmbed : Module {
    nn::Conv2d projection;
    FIELDS(projection)
  };
  PatchEmbed patch_embed;
  Tensor pos_embed;  // [1, grid, grid, D]
  std::vector<nn::SquareWindowLayer> layers;
  Neck neck;
  nn::Extent image;
  FIELDS(patch_embed, pos_embed, layers, neck)

  explicit VisionEncoder(const SamVisionConfig& c);
  // [B, output_channels, grid, grid]; hidden states are [B, grid, grid, D].
  BaseModelOutput operator()(const ImageInputs& in) const;
};

struct SamVisionModel : nn::Backbone<SamVisionConfig, ImageModel> {
  VisionEncoder vision_encoder;
  FIELDS(vision_encoder)

  explicit SamVisionModel(const SamVisionConfig& c) : Backbone(c), vision_encoder(c) {}
  WeightMap weight_map() const override {
    return {.ignored = {"prompt_encoder.*", "mask_decoder.*", "shared_image_*"}};
  }
  BaseModelOutput forward(const ImageInputs& in) const override { return vision_encoder(in); }
};

}  // namespace imago::sam
