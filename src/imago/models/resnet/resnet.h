// ResNet (He et al. 2015, "Deep Residual Learning for Image Recognition"). Pictures are [batch, channels, height,
// width].
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/vision/feature_maps.h"
#include "imago/nn/vision/heads.h"

namespace imago::resnet {

struct ResNetConfig : Config {
  static constexpr const char* kModelType = "resnet";
  int64_t num_channels = 3, embedding_size = 64;
  std::vector<int64_t> hidden_sizes = {256, 512, 1024, 2048}, depths = {3, 4, 6, 3};
  std::string layer_type = "bottleneck", hidden_act = "relu";
  bool downsample_in_first_stage = false, downsample_in_bottleneck = false;
  std::optional<int64_t> num_stages;
  nn::StageChoice stages;
  void each_field(FieldVisitor& visitor) override;

  void validate() const override;
  int64_t output_size() const { return hidden_sizes.back(); }
  int64_t stage_count() const { return static_cast<int64_t>(hidden_sizes.size()); }
};

// normalization(convolution(x)), and perhaps an activation.
struct ConvLayer : Module {
  nn::Conv2d convolution;
  nn::BatchNorm2d normalization;
  nn::Activation activation = nullptr;
  FIELDS(convolution, normalization)

  ConvLayer(int64_t in, int64_t out, int64_t kernel, int64_t stride, nn::Activation act);
  Tensor operator()(const Tensor& x) const;
};

struct Embedder : Module {
  ConvLayer embedder;
  FIELDS(embedder)

  explicit Embedder(const ResNetConfig& c);
  Tensor operator()(const ImageInputs& in) const;

  int64_t channels;
};

// What the convolutions make of x is added to x, or to its shortcut where the sizes differ.
struct Layer : Module {
  std::optional<ConvLayer> shortcut;
  std::vector<ConvLayer> layer;
  nn::Activation activation;
  FIELDS(shortcut, layer)

  Layer(const ResNetConfig& c, int64_t in, int64_t out, int64_t stride);
  Tensor operator()(const Tensor& x) const;
};

struct Stage : Module {
  std::vector<Layer> layers;
  FIELDS(layers)
};

struct Encoder : Module {
  std::vector<Stage> stages;
  FIELDS(stages)
};

struct Trunk {
  Embedder embedder;
  Encoder encoder;
  FIELDS(embedder, encoder)

  explicit Trunk(const ResNetConfig& c);
  void freeze_norms();  // no gradient reaches them any more
  BaseModelOutput operator()(const ImageInputs& in) const;
};

struct ResNetModel : nn::Backbone<ResNetConfig, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "resnet";
  Trunk trunk;
  void each_field(FieldVisitor& visitor) override { trunk.each_field(visitor); }

  explicit ResNetModel(const ResNetConfig& c) : Backbone(c), trunk(c) {}
  WeightMap weight_map() const override;
  BaseModelOutput forward(const ImageInputs& in) const override;  // pooler_output [B, C, 1, 1]
};

struct ResNetBackbone : nn::Backbone<ResNetConfig, ImageBackbone> {
  Trunk trunk;
  void each_field(FieldVisitor& visitor) override { trunk.each_field(visitor); }

  explicit ResNetBackbone(const ResNetConfig& c) : Backbone(c), trunk(c) {}
  WeightMap weight_map() const override;
  BackboneOutput forward(const ImageInputs& in) const override;
};

Tensor flat_pooler_output(const BaseModelOutput& output);
using ResNetForImageClassification =
    nn::ForImageClassification<ResNetModel, flat_pooler_output, nn::LabelScores<true>, "classifier.1">;

}  // namespace imago::resnet
