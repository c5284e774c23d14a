// DETR (Carion et al. 2020, "End-to-End Object Detection with Transformers").
#pragma once

#include "imago/models/resnet/resnet.h"
#include "imago/nn/universal_segmentation_model.h"
#include "imago/nn/vision/attention_mask_head.h"
#include "imago/nn/vision/detection_loss.h"
#include "imago/nn/vision/patches.h"
#include "imago/nn/vision/query_transformer.h"

namespace imago::detr {

struct DetrConfig : nn::DetectionConfig {
  static constexpr const char* kModelType = "detr";
  JsonText backbone_config;
  std::optional<bool> use_timm_backbone, use_pretrained_backbone, dilation;
  std::optional<std::string> backbone;
  JsonText backbone_kwargs;
  int64_t num_channels = 3, num_queries = 100, d_model = 256;
  int64_t encoder_layers = 6, encoder_ffn_dim = 2048, encoder_attention_heads = 8;
  int64_t decoder_layers = 6, decoder_ffn_dim = 2048, decoder_attention_heads = 8;
  std::string activation_function = "relu", position_embedding_type = "sine";
  bool auxiliary_loss = false, scale_embedding = false;
  std::optional<int64_t> num_hidden_layers, max_position_embeddings;  // which nothing reads
  double dropout = 0.1, attention_dropout = 0, activation_dropout = 0, init_xavier_std = 1;
  FIELDS_AND(DetectionConfig, backbone_config, use_timm_backbone, use_pretrained_backbone, dilation, backbone,
             backbone_kwargs, num_channels, num_queries, d_model, encoder_layers, encoder_ffn_dim,
             encoder_attention_heads, decoder_layers, decoder_ffn_dim, decoder_attention_heads, activation_function,
             position_embedding_type, auxiliary_loss, scale_embedding, num_hidden_layers, max_position_embeddings,
             dropout, attention_dropout, activation_dropout, init_xavier_std)

  DetrConfig() { is_encoder_decoder = true; }
  void validate() const override;
  resnet::ResNetConfig resnet() const;
  nn::QueryLayerOptions layers(int64_t heads, int64_t inner_size) const {
    return {d_model, heads, inner_size, activation_function, dropout, activation_dropout};
  }
};

struct Encoder : Module {
  std::vector<nn::PlacedEncoderLayer> layers;
  FIELDS(layers)
};

struct Decoder : Module {
  std::vector<nn::PlacedDecoderLayer> layers;
  nn::LayerNorm layernorm;
  FIELDS(layers, layernorm)
};

struct LearnedPositions : Module {
  nn::Embedding row_embeddings, column_embeddings;
  FIELDS(row_embeddings, column_embeddings)
};

struct DetrModelOutput : QueriedStates {
  Tensor intermediate_hidden_states;  // with auxiliary_loss: what each layer gave, normalised [layers, B, Q, D]
  FIELDS_AND(QueriedStates, intermediate_hidden_states)
};

// What masks are made of besides: maps of the backbone [B, channels, ...], the finest first, the last one projected to
// [B, D, height, width], and which of its places are no padding.
struct Maps {
  Tensors backbone;
  Tensor projected, visible;
};

struct DetrModel : nn::Backbone<DetrConfig, CallableModel<DetectionInputs, DetrModelOutput>> {
  static constexpr const char* kAutoClass = "AutoModel";
  struct ConvEncoder : Module {
    resnet::Trunk model;
    FIELDS(model)
  };
  ConvEncoder backbone;
  std::optional<LearnedPositions> position_embedding;
  nn::Embedding query_position_embeddings;
  nn::Conv2d input_projection;
  Encoder encoder;
  Decoder decoder;
  FIELDS(backbone, position_embedding, query_position_embeddings, input_projection, encoder, decoder)

  explicit DetrModel(const DetrConfig& c);
  WeightMap weight_map() const override;
  DetrModelOutput forward(const DetectionInputs& in) const override { return find(in, see(in)); }
  Maps see(const DetectionInputs& in) const;
  DetrModelOutput find(const DetectionInputs& in, const Maps& maps) const;

 private:
  Tensor positions(const Tensor& visible_BHW, DType dtype) const;  // [B, N, D]
};

struct DetrForObjectDetection : ObjectDetection {
  using ConfigType = DetrConfig;
  DetrModel model;
  nn::Linear class_labels_classifier;
  nn::PredictionHead bbox_predictor;
  FIELDS(model, class_labels_classifier, bbox_predictor)

  explicit DetrForObjectDetection(const DetrConfig& c);
  const DetrConfig& config() const override { return model.config(); }
  WeightMap weight_map() const override { return nn::with_head(model.weight_map(), "model", ""); }
  DetectionOutput forward(const DetectionInputs& in) const override;
  DetectionOutput predict(DetrModelOutput below) const;  // without a loss
};

struct DetrForSegmentation : CallableModel<DetectionInputs, DetectionOutput>, UniversalSegmentation {
  static constexpr const char* kAutoClass = "AutoModelForUniversalSegmentation";
  static constexpr const char* kOtherAutoClass = "AutoModelForImageSegmentation";
  using ConfigType = DetrConfig;
  DetrForObjectDetection detr;
  nn::AttentionMaskHead mask_head;
  nn::AttentionMap bbox_attention;
  FIELDS(detr, mask_head, bbox_attention)

  explicit DetrForSegmentation(const DetrConfig& c);
  const DetrConfig& config() const override { return detr.config(); }
  WeightMap weight_map() const override;
  DetectionOutput forward(const DetectionInputs& in) const override;
  QueriedMasks queried_masks(const SegmentationInputs& in) const override;
};

}  // namespace imago::detr
