// ConvNeXT (Liu et al. 2022, "A ConvNet for the 2020s"). B batch, C channels; pictures are [B, C, height, width].
#pragma once

#include <map>

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/vision/feature_maps.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/pixel_norm.h"

namespace imago::convnext {

struct ConvNextConfig : Config {
  static constexpr const char* kModelType = "convnext";
  int64_t num_channels = 3, num_stages = 4;
  std::vector<int64_t> patch_size = {4}, image_size = {224}, hidden_sizes = {96, 192, 384, 768}, depths = {3, 3, 9, 3};
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-12, layer_scale_init_value = 1e-6;
  nn::StageChoice stages;
  void each_field(FieldVisitor& visitor) override;

  void validate() const override;
  int64_t output_size() const { return hidden_sizes.back(); }
};

struct Embeddings : Module {
  nn::Conv2d patch_embeddings;
  nn::PixelNorm layernorm;
  FIELDS(patch_embeddings, layernorm)

  explicit Embeddings(const ConvNextConfig& c);
};

struct Layer : Module {
  nn::Conv2d dwconv;
  nn::LayerNorm layernorm;
  nn::Linear pwconv1, pwconv2;
  Tensor layer_scale_parameter;
  nn::Activation activation;
  FIELDS(dwconv, layernorm, pwconv1, pwconv2, layer_scale_parameter)

  Layer(const ConvNextConfig& c, int64_t channels);
  Tensor operator()(const Tensor& x_BCHW) const;
};

// Half the size, from the second stage on.
struct Downsampling : Module {
  nn::PixelNorm norm;
  nn::Conv2d convolution;
  void each_field(FieldVisitor& visitor);

  Downsampling(int64_t in, int64_t out) : norm(in), convolution(in, out, 2, {.stride = 2}) {}
};

struct Stage : Module {
  std::optional<Downsampling> downsampling_layer;
  std::vector<Layer> layers;
  FIELDS(downsampling_layer, layers)

  Stage(const ConvNextConfig& c, int64_t stage);
  Tensor operator()(const Tensor& x_BCHW) const;
};

struct Encoder : Module {
  std::vector<Stage> stages;
  FIELDS(stages)
};

struct Trunk {
  Embeddings embeddings;
  Encoder encoder;
  FIELDS(embeddings, encoder)

  explicit Trunk(const ConvNextConfig& c);
  BaseModelOutput operator()(const ImageInputs& in) const;
};

struct ConvNextModel : nn::Backbone<ConvNextConfig, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "convnext";
  Trunk trunk;
  nn::LayerNorm layernorm;
  void each_field(FieldVisitor& visitor) override;

  explicit ConvNextModel(const ConvNextConfig& c);
  WeightMap weight_map() const override { return {.base_model_prefix = "convnext"}; }
  BaseModelOutput forward(const ImageInputs& in) const override;
};

// Every feature map has a norm of its own, named by its stage.
struct ConvNextBackbone : nn::Backbone<ConvNextConfig, ImageBackbone> {
  Trunk trunk;
  std::map<int64_t, nn::PixelNorm> hidden_states_norms;
  void each_field(FieldVisitor& visitor) override;

  explicit ConvNextBackbone(const ConvNextConfig& c);
  WeightMap weight_map() const override { return {.base_model_prefix = "convnext"}; }
  BackboneOutput forward(const ImageInputs& in) const override;
};

using ConvNextForImageClassification = nn::ForImageClassification<ConvNextModel, nn::pooler_output>;

}  // namespace imago::convnext
