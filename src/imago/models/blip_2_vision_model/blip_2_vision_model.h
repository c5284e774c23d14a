// The vision model of BLIP-2: a ViT whose queries, keys and values are one projection.
#pragma once

#include "imago/nn/vision/two_towers.h"

namespace imago::blip_2_vision_model {

struct Blip2VisionConfig : nn::TowerConfig {
  static constexpr const char* kModelType = "blip_2_vision_model";
  std::vector<int64_t> image_size = {224}, patch_size = {14};
  bool qkv_bias = true;
  FIELDS_AND(TowerConfig, image_size, patch_size, qkv_bias)
  Blip2VisionConfig();
};

struct VisionEmbeddings : Module {
  Tensor class_embedding, position_embedding;
  nn::Conv2d patch_embedding;
  FIELDS(class_embedding, patch_embedding, position_embedding)

  explicit VisionEmbeddings(const Blip2VisionConfig& c);
  Tensor operator()(const ImageInputs& in) const;

  nn::Extent image, patch;
};

struct VisionAttention : Module {
  nn::Linear qkv, projection;
  int64_t heads;
  FIELDS(qkv, projection)

  explicit VisionAttention(const Blip2VisionConfig& c);
  Tensor operator()(const Tensor& x_BND, const nn::AttentionContext& context) const;
};

struct VisionLayer : Module {
  VisionAttention self_attn;
  nn::LayerNorm layer_norm1, layer_norm2;
  nn::MLP mlp;
  FIELDS(self_attn, layer_norm1, mlp, layer_norm2)

  explicit VisionLayer(const Blip2VisionConfig& c);
  Tensor operator()(const Tensor& x_BND, const nn::AttentionContext& context) const;
};

struct VisionEncoder : Module {
  std::vector<VisionLayer> layers;
  FIELDS(layers)
};

struct Blip2VisionModel : nn::Backbone<Blip2VisionConfig, ImageModel> {
  VisionEmbeddings embeddings;
  VisionEncoder encoder;
  nn::LayerNorm post_layernorm;
  FIELDS(embeddings, encoder, post_layernorm)

  explicit Blip2VisionModel(const Blip2VisionConfig& c);
  WeightMap weight_map() const override { return {}; }
  BaseModelOutput forward(const ImageInputs& in) const override;  // pooler_output of the class token
};

}  // namespace imago::blip_2_vision_model
