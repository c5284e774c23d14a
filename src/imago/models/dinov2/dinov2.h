// DINOv2 (Oquab et al. 2023, "DINOv2: Learning Robust Visual Features without Supervision").
#pragma once

#include "imago/models/vit/vit.h"
#include "imago/nn/vision/feature_maps.h"

namespace imago::dinov2 {

struct Dinov2Config : vit::ViTConfig {
  static constexpr const char* kModelType = "dinov2";
  double mlp_ratio = 4, layerscale_value = 1;
  bool use_swiglu_ffn = false, use_mask_token = true;
  bool apply_layernorm = true, reshape_hidden_states = true;  // of the feature maps
  nn::StageChoice stages;
  void each_field(FieldVisitor& visitor) override;

  Dinov2Config();
  int64_t inner_size() const { return static_cast<int64_t>(static_cast<double>(hidden_size) * mlp_ratio); }
};

struct Embeddings : Module {
  Tensor cls_token, mask_token, position_embeddings;
  vit::PatchEmbeddings patch_embeddings;
  FIELDS(cls_token, mask_token, position_embeddings, patch_embeddings)

  explicit Embeddings(const Dinov2Config& c);
  Tensor operator()(const ImageInputs& in) const;  // [B, 1 + N, D], of pictures of any size

  nn::Extent patch;
};

struct LayerScale : Module {
  Tensor lambda1;
  FIELDS(lambda1)

  explicit LayerScale(const Dinov2Config& c) : lambda1(parameter({c.hidden_size})) {}
};

// silu(gate) * up, both of one matrix as the file has them.
struct SwiGLU : Module {
  nn::Linear weights_in, weights_out;
  FIELDS(weights_in, weights_out)

  explicit SwiGLU(const Dinov2Config& c);
  Tensor operator()(const Tensor& x_BTD) const;
};

struct Layer : Module {
  nn::LayerNorm norm1, norm2;
  vit::Attention attention;
  LayerScale layer_scale1, layer_scale2;
  std::optional<vit::MLP> mlp;
  std::optional<SwiGLU> swiglu;  // instead of it, under the same name
  void each_field(FieldVisitor& visitor);

  explicit Layer(const Dinov2Config& c);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;
};

struct Encoder : Module {
  std::vector<Layer> layer;
  FIELDS(layer)
};

// The layers with what stands around them; of the bare model and the backbone.
struct Trunk {
  Embeddings embeddings;
  Encoder encoder;
  nn::LayerNorm layernorm;
  FIELDS(embeddings, encoder, layernorm)

  explicit Trunk(const Dinov2Config& c);
  BaseModelOutput operator()(const ImageInputs& in) const;  // last_hidden_state is not normalised
};

struct Dinov2Model : nn::Backbone<Dinov2Config, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "dinov2";
  Trunk trunk;
  void each_field(FieldVisitor& visitor) override { trunk.each_field(visitor); }

  explicit Dinov2Model(const Dinov2Config& c) : Backbone(c), trunk(c) {}
  WeightMap weight_map() const override;
  BaseModelOutput forward(const ImageInputs& in) const override;
};

struct Dinov2Backbone : nn::Backbone<Dinov2Config, ImageBackbone> {
  Trunk trunk;
  void each_field(FieldVisitor& visitor) override { trunk.each_field(visitor); }

  explicit Dinov2Backbone(const Dinov2Config& c) : Backbone(c), trunk(c) {}
  WeightMap weight_map() const override;
  BackboneOutput forward(const ImageInputs& in) const override;
};

// The class token beside the mean of the patches.
Tensor class_and_mean(const BaseModelOutput& output);
struct Scores : nn::Linear {
  explicit Scores(const Dinov2Config& c) : Linear(2 * c.hidden_size, c.num_labels()) {}
};
using Dinov2ForImageClassification = nn::ForImageClassification<Dinov2Model, class_and_mean, Scores>;

}  // namespace imago::dinov2
