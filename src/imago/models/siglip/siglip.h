// SigLIP (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training").
#pragma once

#include "imago/models/clip/clip.h"

namespace imago::siglip {

struct SiglipTextConfig : clip::HalfConfig {
  static constexpr const char* kModelType = "siglip_text_model";
  int64_t vocab_size = 32000, max_position_embeddings = 64;
  std::optional<int64_t> projection_size;  // hidden_size where absent
  FIELDS_AND(HalfConfig, vocab_size, max_position_embeddings, projection_size)
  SiglipTextConfig();
};

struct SiglipVisionConfig : clip::HalfConfig {
  static constexpr const char* kModelType = "siglip_vision_model";
  int64_t num_channels = 3;
  std::vector<int64_t> image_size = {224}, patch_size = {16};
  bool vision_use_head = true;
  FIELDS_AND(HalfConfig, num_channels, image_size, patch_size, vision_use_head)
  SiglipVisionConfig();
};

struct SiglipConfig : Config {
  static constexpr const char* kModelType = "siglip";
  JsonText text_config, vision_config;
  FIELDS_AND(Config, text_config, vision_config)

  SiglipTextConfig text() const;
  SiglipVisionConfig vision() const;
  void validate() const override;
};

// Every token sees every other; the vector is the last token's, padding or not.
struct SiglipTextModel : nn::Backbone<SiglipTextConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "text_model";
  clip::TextEmbeddings embeddings;
  clip::Encoder encoder;
  nn::LayerNorm final_layer_norm;
  nn::Linear head;
  FIELDS(embeddings, encoder, final_layer_norm, head)

  explicit SiglipTextModel(const SiglipTextConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;
};

struct VisionEmbeddings : Module {
  nn::Conv2d patch_embedding;
  nn::Embedding position_embedding;
  FIELDS(patch_embedding, position_embedding)

  explicit VisionEmbeddings(const SiglipVisionConfig& c);
  Tensor operator()(const ImageInputs& in) const;

  nn::Extent image, patch;
};

// One learned query that attends to all patches, with torch's stacked projections.
struct PoolingHead : Module {
  Tensor probe, in_proj_weight, in_proj_bias;
  nn::Linear out_proj;
  nn::LayerNorm layernorm;
  clip::MLP mlp;
  int64_t heads;
  void each_field(FieldVisitor& visitor);

  explicit PoolingHead(const SiglipVisionConfig& c);
  Tensor operator()(const Tensor& x_BND) const;  // [B, D]
};

struct SiglipVisionModel : nn::Backbone<SiglipVisionConfig, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "vision_model";
  VisionEmbeddings embeddings;
  clip::Encoder encoder;
  nn::LayerNorm post_layernorm;
  std::optional<PoolingHead> head;
  FIELDS(embeddings, encoder, post_layernorm, head)

  explicit SiglipVisionModel(const SiglipVisionConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const ImageInputs& in) const override;
};

struct SiglipModel : nn::Backbone<SiglipConfig, ImageTextModel> {
  SiglipTextModel text_model;
  SiglipVisionModel vision_model;
  Tensor logit_scale, logit_bias;
  FIELDS(text_model, vision_model, logit_scale, logit_bias)

  explicit SiglipModel(const SiglipConfig& c);
  WeightMap weight_map() const override;
  ImageTextOutput forward(const ImageTextInputs& in) const override;
};

struct SiglipForImageClassification : nn::Backbone<SiglipConfig, ImageClassification> {
  SiglipVisionModel vision_model;
  nn::Linear classifier;
  FIELDS(vision_model, classifier)

  explicit SiglipForImageClassification(const SiglipConfig& c);
  WeightMap weight_map() const override;
  LogitsOutput forward(const ImageInputs& in) const override;
};

}  // namespace imago::siglip
