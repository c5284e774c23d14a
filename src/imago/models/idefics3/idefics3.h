// Idefics 3 (Laurencon et al. 2024, "Building and better understanding vision-language models: insights and future
// directions").
#pragma once

#include "imago/nn/image_text_to_text.h"
#include "imago/nn/registry.h"
#include "imago/nn/vision/two_towers.h"

namespace imago::idefics3 {

struct Idefics3VisionConfig : nn::ImageTowerConfig {
  JsonText max_image_size, size, use_base_siglip;  // of the processor, and of training
  FIELDS_AND(ImageTowerConfig, max_image_size, size, use_base_siglip)

  Idefics3VisionConfig();
  void validate() const override;
};

struct Idefics3Config : Config {
  static constexpr const char* kModelType = "idefics3";
  JsonText text_config, vision_config;
  int64_t image_token_id = 128257, scale_factor = 2;
  JsonText _pad_token_id, vocab_size, image_seq_len, transformers_js_config;  // nothing is computed from these
  void each_field(FieldVisitor& visitor) override;

  Idefics3Config() { tie_word_embeddings = false; }
  void validate() const override;
  Idefics3VisionConfig vision() const;
  JsonText text() const;  // without keys that say nothing of a text model
};

// Patches with learned positions, which those of a picture with padding share by where they lie in it.
struct VisionEmbeddings : Module {
  nn::Conv2d patch_embedding;
  nn::Embedding position_embedding;
  FIELDS(patch_embedding, position_embedding)

  explicit VisionEmbeddings(const Idefics3VisionConfig& c);
  // patch_mask [B, rows, columns]: 0 is padding.
  Tensor operator()(const Tensor& pixel_values, const Tensor& patch_mask) const;

  nn::Extent patch;
  int64_t side;  // positions in each direction
};

struct VisionTransformer : Module {
  VisionEmbeddings embeddings;
  nn::Tower encoder;
  nn::LayerNorm post_layernorm;
  FIELDS(embeddings, encoder, post_layernorm)

  explicit VisionTransformer(const Idefics3VisionConfig& c);
  // pixel_mask [B, height, width] may be undefined.
  Tensor operator()(const Tensor& pixel_values, const Tensor& pixel_mask, AttentionImplementation attention) const;
};

// Squares of patches as one vector, projected to where the text model has its words.
struct Connector : Module {
  nn::Linear proj;
  void each_field(FieldVisitor& visitor);

  Connector(int64_t vision_size, int64_t text_size, int64_t scale_factor);
  Tensor operator()(const Tensor& x_BND) const;

  int64_t scale_factor;
};

struct Idefics3Model : nn::Backbone<Idefics3Config, ImageTextModelBase> {
  VisionTransformer vision_model;
  std::unique_ptr<TextModel> text_model_;
  Connector connector;
  FIELDS(vision_model, connector, text_model_)

  explicit Idefics3Model(const Idefics3Config& c);
  WeightMap weight_map() const override;
  const TextModel& text_model() const override { return *text_model_; }
  std::string text_model_field() const override { return "text_model"; }
  int64_t image_token() const override { return config().image_token_id; }
  // pixel_values [B, pictures of a row, 3, height, width]; those that are black throughout are none.
  ImageFeaturesOutput image_features(const ImageTextToTextInputs& in) const override;
};

using Idefics3ForConditionalGeneration = nn::ForImageTextToText<Idefics3Model>;

}  // namespace imago::idefics3
