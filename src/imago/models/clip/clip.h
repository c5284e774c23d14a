// CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/image_text_model.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/patches.h"

namespace imago::clip {

// What both halves' configurations have.
struct HalfConfig : Config {
  int64_t hidden_size = 0, intermediate_size = 0, num_hidden_layers = 12, num_attention_heads = 0;
  std::string hidden_act = "quick_gelu";
  double layer_norm_eps = 1e-5;
  FIELDS_AND(Config, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, hidden_act, layer_norm_eps)

  void validate() const override;
};

struct CLIPTextConfig : HalfConfig {
  static constexpr const char* kModelType = "clip_text_model";
  int64_t vocab_size = 49408, max_position_embeddings = 77, projection_dim = 512;
  FIELDS_AND(HalfConfig, vocab_size, max_position_embeddings, projection_dim)
  CLIPTextConfig();
};

struct CLIPVisionConfig : HalfConfig {
  static constexpr const char* kModelType = "clip_vision_model";
  int64_t num_channels = 3, projection_dim = 512;
  std::vector<int64_t> image_size = {224}, patch_size = {32};
  FIELDS_AND(HalfConfig, num_channels, projection_dim, image_size, patch_size)
  CLIPVisionConfig();
};

struct CLIPConfig : Config {
  static constexpr const char* kModelType = "clip";
  JsonText text_config, vision_config;
  int64_t projection_dim = 512;
  double logit_scale_init_value = 2.6592;
  FIELDS_AND(Config, text_config, vision_config, projection_dim, logit_scale_init_value)

  CLIPTextConfig text() const;
  CLIPVisionConfig vision() const;
  void validate() const override;
};

struct MLP : Module {
  nn::Linear fc1, fc2;
  nn::Activation activation;
  FIELDS(fc1, fc2)

  explicit MLP(const HalfConfig& c);
  Tensor operator()(const Tensor& x) const { return fc2(activation(fc1(x))); }
};

struct EncoderLayer : Module {
  nn::MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj"> self_attn;
  nn::LayerNorm layer_norm1, layer_norm2;
  MLP mlp;
  FIELDS(self_attn, layer_norm1, layer_norm2, mlp)

  explicit EncoderLayer(const HalfConfig& c);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;
};

struct Encoder : Module {
  std::vector<EncoderLayer> layers;
  FIELDS(layers)

  explicit Encoder(const HalfConfig& c);
  BaseModelOutput operator()(Tensor x_BTD, const nn::AttentionContext& context, nn::Recorder& record) const;
};

struct TextEmbeddings : Module {
  nn::Embedding token_embedding, position_embedding;
  FIELDS(token_embedding, position_embedding)

  TextEmbeddings(const HalfConfig& c, int64_t vocab_size, int64_t positions);
  Tensor operator()(const TextInputs& in) const;
};

struct CLIPTextModel : nn::Backbone<CLIPTextConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "text_model";
  TextEmbeddings embeddings;
  Encoder encoder;
  nn::LayerNorm final_layer_norm;
  FIELDS(embeddings, encoder, final_layer_norm)

  explicit CLIPTextModel(const CLIPTextConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;  // pooler_output at the end of the text
};

struct VisionEmbeddings : Module {
  Tensor class_embedding;
  nn::Conv2d patch_embedding;
  nn::Embedding position_embedding;
  FIELDS(class_embedding, patch_embedding, position_embedding)

  explicit VisionEmbeddings(const CLIPVisionConfig& c);
  Tensor operator()(const ImageInputs& in) const;

  nn::Extent image, patch;
};

struct CLIPVisionModel : nn::Backbone<CLIPVisionConfig, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "vision_model";
  VisionEmbeddings embeddings;
  nn::LayerNorm pre_layrnorm, post_layernorm;
  Encoder encoder;
  FIELDS(embeddings, pre_layrnorm, encoder, post_layernorm)

  explicit CLIPVisionModel(const CLIPVisionConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const ImageInputs& in) const override;  // pooler_output of the class token
};

struct CLIPModel : nn::Backbone<CLIPConfig, ImageTextModel> {
  CLIPTextModel text_model;
  CLIPVisionModel vision_model;
  nn::Linear visual_projection, text_projection;
  Tensor logit_scale;
  FIELDS(text_model, vision_model, visual_projection, text_projection, logit_scale)

  explicit CLIPModel(const CLIPConfig& c);
  WeightMap weight_map() const override;
  ImageTextOutput forward(const ImageTextInputs& in) const override;
};

struct CLIPForImageClassification : nn::Backbone<CLIPConfig, ImageClassification> {
  CLIPVisionModel vision_model;
  nn::Linear classifier;
  FIELDS(vision_model, classifier)

  explicit CLIPForImageClassification(const CLIPConfig& c);
  WeightMap weight_map() const override;
  LogitsOutput forward(const ImageInputs& in) const override;
};

// What CLIP's files and those of its kin have that one part of the model does not read.
WeightMap without_other_half(std::string prefix);

}  // namespace imago::clip
