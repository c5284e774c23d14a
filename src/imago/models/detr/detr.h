// DETR (Carion et al. 2020, "End-to-End Object Detection with Transformers").
#pragma once

#include "imago/models/resnet/resnet.h"
#include "imago/nn/attention.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/vision/detection_loss.h"
#include "imago/nn/vision/patches.h"

namespace imago::detr {

struct DetrConfig : Config, nn::DropsByDefault {
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
  double mask_loss_coefficient = 1, dice_loss_coefficient = 1, init_xavier_std = 1;
  nn::DetectionWeights weights;
  void each_field(FieldVisitor& visitor) override;

  DetrConfig() { is_encoder_decoder = true; }
  void validate() const override;
  resnet::ResNetConfig resnet() const;
  std::vector<nn::DroppedByDefault> dropped_by_default() const override { return {{"dropout", 0.1}}; }
};

// Queries and keys with positions added, values without.
struct Attention : Module {
  nn::Linear q_proj, k_proj, v_proj, o_proj;
  int64_t heads;
  FIELDS(q_proj, k_proj, v_proj, o_proj)

  Attention(int64_t hidden_size, int64_t heads);
  Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                    const nn::AttentionContext& context) const;
};

struct MLP : Module {
  nn::Linear fc1, fc2;
  nn::Activation activation;
  FIELDS(fc1, fc2)

  MLP(const DetrConfig& c, int64_t inner);
  Tensor operator()(const Tensor& x) const { return fc2(activation(fc1(x))); }
};

struct EncoderLayer : Module {
  Attention self_attn;
  nn::LayerNorm self_attn_layer_norm, final_layer_norm;
  MLP mlp;
  FIELDS(self_attn, self_attn_layer_norm, mlp, final_layer_norm)

  explicit EncoderLayer(const DetrConfig& c);
  Tensor operator()(const Tensor& x_BND, const Tensor& positions_BND, const nn::AttentionContext& context) const;
};

struct DecoderLayer : Module {
  Attention self_attn, encoder_attn;
  nn::LayerNorm self_attn_layer_norm, encoder_attn_layer_norm, final_layer_norm;
  MLP mlp;
  FIELDS(self_attn, self_attn_layer_norm, encoder_attn, encoder_attn_layer_norm, mlp, final_layer_norm)

  explicit DecoderLayer(const DetrConfig& c);
  // `keys` are the picture with its positions, `values` without.
  Tensor operator()(const Tensor& x_BQD, const Tensor& queries_1QD, const Tensor& keys_BND, const Tensor& values_BND,
                    const nn::DecoderContext& context) const;
};

struct Encoder : Module {
  std::vector<EncoderLayer> layers;
  FIELDS(layers)
};

struct Decoder : Module {
  std::vector<DecoderLayer> layers;
  nn::LayerNorm layernorm;
  FIELDS(layers, layernorm)
};

struct LearnedPositions : Module {
  nn::Embedding row_embeddings, column_embeddings;
  FIELDS(row_embeddings, column_embeddings)
};

struct DetrModel : nn::Backbone<DetrConfig, CallableModel<DetectionInputs, Seq2SeqOutput>> {
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
  Seq2SeqOutput forward(const DetectionInputs& in) const override;

 private:
  Tensor positions(const Tensor& visible_BHW, DType dtype) const;  // [B, N, D]
  nn::AttentionContext context(const DetectionInputs& in, Tensors& weights) const;
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
};

}  // namespace imago::detr
