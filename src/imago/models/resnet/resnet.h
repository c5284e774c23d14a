// ResNet (He et al. 2015, "Deep Residual Learning for Image Recognition"). Pictures are [batch, channels, height,
// width].
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/named_fields.h"
#include "imago/nn/vision/feature_maps.h"
#include "imago/nn/vision/heads.h"
#include "imago/ops/operators.h"

namespace imago::resnet {

struct ResNetConfig : nn::StagedConfig {
  static constexpr const char* kModelType = "resnet";
  int64_t num_channels = 3, embedding_size = 64;
  std::vector<int64_t> hidden_sizes = {256, 512, 1024, 2048}, depths = {3, 4, 6, 3};
  std::string layer_type = "bottleneck", hidden_act = "relu";
  bool downsample_in_first_stage = false, downsample_in_bottleneck = false;
  std::optional<int64_t> num_stages;
  FIELDS_AND(StagedConfig, num_channels, embedding_size, hidden_sizes, depths, layer_type, hidden_act,
             downsample_in_first_stage, downsample_in_bottleneck, num_stages)

  void validate() const override;
  int64_t output_size() const { return hidden_sizes.back(); }
  int64_t stage_count() const { return static_cast<int64_t>(hidden_sizes.size()); }
};

// activation(normalization(convolution(x)) + residual), the last two perhaps without.
struct ConvLayer : Module {
  nn::Conv2d convolution;
  nn::BatchNorm2d normalization;
  FIELDS(convolution, normalization)

  ConvLayer(int64_t in, int64_t out, int64_t kernel, int64_t stride, nn::Activation act)
      : convolution(in, out, kernel, {.stride = stride, .padding = kernel / 2, .bias = false}),
        normalization(out),
        activation(act) {}
  Tensor operator()(const Tensor& x, const Tensor& residual = {}) const;

  nn::Activation activation;
};

// What the convolutions make of x is added to x, or to its shortcut where the sizes differ; the last one's activation
// comes behind that.
struct Layer : Module {
  std::optional<ConvLayer> shortcut;
  std::vector<ConvLayer> layer;
  FIELDS(shortcut, layer)

  Layer(const ResNetConfig& c, int64_t in, int64_t out, int64_t stride);
  Tensor operator()(const Tensor& x) const {
    const Tensor residual = shortcut ? (*shortcut)(x) : x;
    Tensor y = x;
    for (const ConvLayer& each : layer) y = each(y, &each == &layer.back() ? residual : Tensor());
    return y;
  }
};

struct Stage : Module {
  std::vector<Layer> layers;
  FIELDS(layers)
};

struct Trunk {
  ConvLayer embedder;
  std::vector<Stage> stages;
  FIELDS_NAMED("embedder.embedder, encoder.stages", embedder, stages)

  explicit Trunk(const ResNetConfig& c);
  void freeze_norms();  // no gradient reaches them any more
  BaseModelOutput operator()(const ImageInputs& in) const;
};

}  // namespace imago::resnet
