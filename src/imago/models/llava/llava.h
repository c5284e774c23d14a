// LLaVA (Liu et al. 2023, "Visual Instruction Tuning").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/image_text_to_text.h"
#include "imago/nn/registry.h"

namespace imago::llava {

struct LlavaConfig : Config {
  static constexpr const char* kModelType = "llava";
  JsonText text_config, vision_config;
  int64_t image_token_index = 32000;
  std::string projector_hidden_act = "gelu", vision_feature_select_strategy = "default";
  std::vector<int64_t> vision_feature_layer = {-2};
  bool multimodal_projector_bias = true;
  JsonText image_seq_length, ignore_index, vocab_size;  // nothing is computed from these
  FIELDS_AND(Config, text_config, vision_config, image_token_index, projector_hidden_act,
             vision_feature_select_strategy, vision_feature_layer, multimodal_projector_bias, image_seq_length,
             ignore_index, vocab_size)

  LlavaConfig() { tie_word_embeddings = false; }
  void validate() const override;
};

struct MultiModalProjector : Module {
  nn::Linear linear_1, linear_2;
  nn::Activation activation;
  FIELDS(linear_1, linear_2)

  MultiModalProjector(const LlavaConfig& c, int64_t vision_size, int64_t text_size);
  Tensor operator()(const Tensor& x) const { return linear_2(activation(linear_1(x))); }
};

// Vectors of patches, from inside a vision model, projected to where the text model has its words.
struct LlavaModel : nn::Backbone<LlavaConfig, ImageTextModelBase> {
  std::unique_ptr<ImageModel> vision_tower;
  std::unique_ptr<TextModel> language_model;
  MultiModalProjector multi_modal_projector;
  FIELDS(vision_tower, multi_modal_projector, language_model)

  explicit LlavaModel(const LlavaConfig& c);
  WeightMap weight_map() const override;
  const TextModel& text_model() const override { return *language_model; }
  int64_t image_token() const override { return config().image_token_index; }
  ImageFeaturesOutput image_features(const ImageTextToTextInputs& in) const override;
};

using LlavaForConditionalGeneration = nn::ForImageTextToText<LlavaModel>;

}  // namespace imago::llava
