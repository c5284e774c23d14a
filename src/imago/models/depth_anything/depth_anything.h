// Depth Anything (Yang et al. 2024, "Depth Anything: Unleashing the Power of Large-Scale Unlabeled Data").
#pragma once

#include "imago/models/dinov2/dinov2.h"

namespace imago::depth_anything {

struct DepthAnythingConfig : Config {
  static constexpr const char* kModelType = "depth_anything";
  JsonText backbone_config;
  std::optional<std::string> backbone;
  std::optional<bool> use_timm_backbone, use_pretrained_backbone;
  int64_t patch_size = 14, reassemble_hidden_size = 384, fusion_hidden_size = 64, head_in_index = -1;
  int64_t head_hidden_size = 32;
  std::vector<double> reassemble_factors = {4, 2, 1, 0.5};
  std::vector<int64_t> neck_hidden_sizes = {48, 96, 192, 384};
  std::string depth_estimation_type = "relative";
  std::optional<double> max_depth;
  FIELDS_AND(Config, backbone_config, backbone, use_timm_backbone, use_pretrained_backbone, patch_size,
             reassemble_hidden_size, fusion_hidden_size, head_in_index, head_hidden_size, reassemble_factors,
             neck_hidden_sizes, depth_estimation_type, max_depth)

  void validate() const override;
  dinov2::Dinov2Config dinov2() const;
};

// A feature map at another size: larger, the same, or smaller.
struct Reassemble : Module {
  nn::Conv2d projection;
  std::optional<nn::ConvTranspose2d> enlarge;
  std::optional<nn::Conv2d> shrink;
  void each_field(FieldVisitor& visitor);

  Reassemble(const DepthAnythingConfig& c, size_t stage);
  Tensor operator()(const Tensor& x_BCHW) const;
};

struct Residual : Module {
  nn::Conv2d convolution1, convolution2;
  FIELDS(convolution1, convolution2)

  explicit Residual(int64_t channels);
  Tensor operator()(const Tensor& x_BCHW) const;
};

struct Fusion : Module {
  nn::Conv2d projection;
  Residual residual_layer1, residual_layer2;
  FIELDS(projection, residual_layer1, residual_layer2)

  explicit Fusion(int64_t channels);
  // Of what was fused so far (nothing at first) and a finer map, at `size`, or at twice its own where that is empty.
  Tensor operator()(const Tensor& fused, const Tensor& x_BCHW, const Shape& size) const;
};

struct ReassembleStage : Module {
  std::vector<Reassemble> layers;
  FIELDS(layers)
};
struct FusionStage : Module {
  std::vector<Fusion> layers;
  FIELDS(layers)
};

struct Neck : Module {
  ReassembleStage reassemble_stage;
  std::vector<nn::Conv2d> convs;
  FusionStage fusion_stage;
  FIELDS(reassemble_stage, convs, fusion_stage)

  explicit Neck(const DepthAnythingConfig& c);
  Tensors operator()(const Tensors& maps_BCHW) const;
};

struct Head : Module {
  nn::Conv2d conv1, conv2, conv3;
  FIELDS(conv1, conv2, conv3)

  explicit Head(const DepthAnythingConfig& c);
};

struct DepthAnythingForDepthEstimation : nn::Backbone<DepthAnythingConfig, DepthEstimation> {
  dinov2::Dinov2Backbone backbone;
  Neck neck;
  Head head;
  FIELDS(backbone, neck, head)

  explicit DepthAnythingForDepthEstimation(const DepthAnythingConfig& c);
  WeightMap weight_map() const override;
  DepthOutput forward(const ImageInputs& in) const override;
};

}  // namespace imago::depth_anything
