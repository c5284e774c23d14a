// What models that compare pictures with texts are made of (Radford et al. 2021, "Learning Transferable Visual Models
// From Natural Language Supervision"): two encoders alike. B batch, T tokens or patches, D hidden.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/image_text_model.h"
#include "imago/nn/pre_norm_layer.h"
#include "imago/nn/sub_config.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/patches.h"

namespace imago::nn {

// Of either encoder.
struct TowerConfig : Config {
  int64_t hidden_size = 0, intermediate_size = 0, num_hidden_layers = 12, num_attention_heads = 0;
  std::string hidden_act = "quick_gelu";
  double layer_norm_eps = 1e-5, attention_dropout = 0;
  FIELDS_AND(Config, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, hidden_act, layer_norm_eps,
             attention_dropout)

  void validate() const override;
};

struct TextTowerConfig : TowerConfig {
  int64_t vocab_size = 0, max_position_embeddings = 0;
  FIELDS_AND(TowerConfig, vocab_size, max_position_embeddings)
};

struct ImageTowerConfig : TowerConfig {
  int64_t num_channels = 3;
  std::vector<int64_t> image_size = {224}, patch_size = {32};
  FIELDS_AND(TowerConfig, num_channels, image_size, patch_size)

  Extent image() const { return extent(image_size, "image_size"); }
  Extent patch() const { return extent(patch_size, "patch_size"); }
};

// Of both.
template <class Text, class Image>
struct TwoTowersConfig : Config, HasConfiguredParts {
  JsonText text_config, vision_config;
  FIELDS_AND(Config, text_config, vision_config)

  Text text() const { return part<Text>(text_config, "text_config"); }
  Image vision() const { return part<Image>(vision_config, "vision_config"); }
  void validate() const override { text(), vision(); }
  void each_part(const PartVisit& visit) const override {
    visit("text_config", text());
    visit("vision_config", vision());
  }

 private:
  template <class Part>
  static Part part(const JsonText& text, std::string_view key) {
    Part config;
    read_sub_config(text, key, config);
    return config;
  }
};

using TowerLayer = PreNormLayer<"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj",
                                "layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2">;

struct Tower : Module {
  std::vector<TowerLayer> layers;
  FIELDS(layers)

  explicit Tower(const TowerConfig& c);
  BaseModelOutput operator()(const Tensor& x_BTD, const AttentionContext& context, Recorder& record) const;

  double attention_dropout;
};

struct TextTowerEmbeddings : Module {
  Embedding token_embedding, position_embedding;
  FIELDS(token_embedding, position_embedding)

  explicit TextTowerEmbeddings(const TextTowerConfig& c);
  Tensor operator()(const TextInputs& in) const;
};

// Patches with learned positions, perhaps behind a class token.
struct ImageTowerEmbeddings : Module {
  Tensor class_embedding;
  Conv2d patch_embedding;
  Embedding position_embedding;
  FIELDS(class_embedding, patch_embedding, position_embedding)

  ImageTowerEmbeddings(const ImageTowerConfig& c, bool with_class_token);
  // Throws Error kInvalidArgument for a picture of another size, unless the inputs ask for interpolation.
  Tensor operator()(const ImageInputs& in) const;

  Extent image, patch;
};

// Files of both encoders, of which one part of the model does not read all.
WeightMap without_other_tower(std::string prefix);

// Labels from the encoder of pictures alone. C is a TwoTowersConfig.
template <class C, class Image, ImagePooling pooling>
struct TowerForImageClassification : Backbone<C, ImageClassification> {
  Image vision_model;
  Linear classifier;
  FIELDS(vision_model, classifier)

  explicit TowerForImageClassification(const C& c)
      : Backbone<C, ImageClassification>(c),
        vision_model(c.vision()),
        classifier(c.vision().hidden_size, c.num_labels()) {}
  WeightMap weight_map() const override { return without_other_tower(""); }
  LogitsOutput forward(const ImageInputs& in) const override {
    const HeadFunction scores = [this](const Tensor& x) { return classifier(x); };
    return classify_image(vision_model, scores, pooling, in, this->config());
  }
};

}  // namespace imago::nn
