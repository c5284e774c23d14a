// YOLOS (Fang et al. 2021, "You Only Look at One Sequence: Rethinking Transformer in Vision through Object Detection").
#pragma once

#include "imago/models/vit/vit.h"
#include "imago/nn/vision/detection_loss.h"

namespace imago::yolos {

struct YolosConfig : vit::ViTConfig {
  static constexpr const char* kModelType = "yolos";
  int64_t num_detection_tokens = 100;
  bool use_mid_position_embeddings = true, auxiliary_loss = false;
  nn::DetectionWeights weights;
  void each_field(FieldVisitor& visitor) override;

  YolosConfig() { image_size = {512, 864}; }
  void validate() const override;
};

struct Embeddings : Module {
  Tensor cls_token, detection_tokens, position_embeddings;
  vit::PatchEmbeddings patch_embeddings;
  FIELDS(cls_token, detection_tokens, position_embeddings, patch_embeddings)

  explicit Embeddings(const YolosConfig& c);
};

// ViT's, under the names of BERT's.
struct Layer : vit::Layer {
  using vit::Layer::Layer;
  void each_field(FieldVisitor& visitor);
};

struct Interpolation : Module {
  Tensor mid_position_embeddings;  // [layers - 1, 1, T, D], added behind each layer but the last
  FIELDS(mid_position_embeddings)
};

struct Encoder : Module {
  std::vector<Layer> layer;
  std::optional<Interpolation> interpolation;
  FIELDS(layer, interpolation)

  explicit Encoder(const YolosConfig& c);
};

struct YolosModel : nn::Backbone<YolosConfig, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "vit";
  Embeddings embeddings;
  Encoder encoder;
  nn::LayerNorm layernorm;
  std::optional<vit::Pooler> pooler;
  FIELDS(embeddings, encoder, layernorm, pooler)

  explicit YolosModel(const YolosConfig& c, bool with_pooler = true);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const ImageInputs& in) const override;

 private:
  Tensor positions(const Tensor& learned_1TD, nn::Extent pixels) const;
};

struct YolosForObjectDetection : ObjectDetection {
  using ConfigType = YolosConfig;
  YolosModel vit;
  nn::PredictionHead class_labels_classifier, bbox_predictor;
  FIELDS(vit, class_labels_classifier, bbox_predictor)

  explicit YolosForObjectDetection(const YolosConfig& c);
  const YolosConfig& config() const override { return vit.config(); }
  WeightMap weight_map() const override { return nn::with_head(vit.weight_map(), "vit", ""); }
  DetectionOutput forward(const DetectionInputs& in) const override;
};

}  // namespace imago::yolos
