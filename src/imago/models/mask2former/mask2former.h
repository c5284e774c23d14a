// Mask2Former (Cheng et al. 2021, "Masked-attention Mask Transformer for Universal Image Segmentation").
#pragma once

#include "imago/models/swin/swin.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/universal_segmentation_model.h"
#include "imago/nn/vision/detection_loss.h"
#include "imago/nn/vision/pixel_decoder.h"
#include "imago/nn/vision/query_transformer.h"
#include "imago/nn/vision/universal_segmentation_loss.h"

namespace imago::mask2former {

constexpr int64_t kLevels = nn::PixelDecoderOptions::kLevels;

struct Mask2FormerConfig : nn::SegmentationConfig {
  static constexpr const char* kModelType = "mask2former";
  JsonText backbone_config;
  int64_t feature_size = 256, mask_feature_size = 256, hidden_dim = 256, encoder_feedforward_dim = 1024;
  int64_t encoder_layers = 6, decoder_layers = 10, num_attention_heads = 8, dim_feedforward = 2048;
  int64_t common_stride = 4, num_queries = 100;
  std::string activation_function = "relu";
  bool pre_norm = false, enforce_input_projection = false;
  std::vector<int64_t> feature_strides = {4, 8, 16, 32};
  std::optional<bool> output_auxiliary_logits;
  bool use_auxiliary_loss = true;
  // Of labels that the processor makes, of initial values, and of backbones that are not loaded from here.
  JsonText ignore_value, init_std, init_xavier_std;
  std::optional<bool> use_timm_backbone, use_pretrained_backbone;
  std::optional<std::string> backbone;
  JsonText backbone_kwargs;
  std::optional<int64_t> num_hidden_layers, hidden_size;  // other names of the same
  FIELDS_AND(SegmentationConfig, backbone_config, feature_size, mask_feature_size, hidden_dim, encoder_feedforward_dim,
             encoder_layers, decoder_layers, num_attention_heads, dim_feedforward, common_stride, num_queries,
             activation_function, pre_norm, enforce_input_projection, feature_strides, output_auxiliary_logits,
             use_auxiliary_loss, ignore_value, init_std, init_xavier_std, use_timm_backbone, use_pretrained_backbone,
             backbone, backbone_kwargs, num_hidden_layers, hidden_size)

  void validate() const override;
  swin::SwinConfig swin() const;
  nn::PixelDecoderOptions decoder() const;
  std::vector<int64_t> channels() const;  // of the backbone's maps, the finest first
  int64_t fine_levels() const;            // maps finer than those of attention
};

struct MaskPredictor : Module {
  nn::PredictionHead mask_embedder;
  FIELDS(mask_embedder)
};

struct Decoder : Module {
  std::vector<nn::MaskedQueryLayer> layers;
  nn::LayerNorm layernorm;
  MaskPredictor mask_predictor;
  FIELDS(layers, layernorm, mask_predictor)

  explicit Decoder(const Mask2FormerConfig& c);
};

struct TransformerModule : Module {
  nn::Embedding queries_embedder, queries_features, level_embed;
  std::vector<nn::Conv2d> input_projections;  // none where the sizes are the same
  Decoder decoder;
  FIELDS(queries_embedder, queries_features, input_projections, decoder, level_embed)

  explicit TransformerModule(const Mask2FormerConfig& c);
};

struct PixelLevelModule : Module {
  swin::SwinBackbone encoder;
  nn::DeformablePixelDecoder decoder;
  FIELDS(encoder, decoder)

  explicit PixelLevelModule(const Mask2FormerConfig& c) : encoder(c.swin()), decoder(c.decoder()) {}
};

// The fields of both outputs. Q queries; states of the transformer's decoder are [Q, B, D].
struct Mask2FormerStates {
  Tensor encoder_last_hidden_state, pixel_decoder_last_hidden_state, transformer_decoder_last_hidden_state;
  Tensors encoder_hidden_states, pixel_decoder_hidden_states, transformer_decoder_hidden_states, attentions;
  FIELDS(encoder_last_hidden_state, pixel_decoder_last_hidden_state, transformer_decoder_last_hidden_state,
         encoder_hidden_states, pixel_decoder_hidden_states, transformer_decoder_hidden_states, attentions)
};
struct Mask2FormerModelOutput : Mask2FormerStates {
  Tensors transformer_decoder_intermediate_states;  // normalised, before each layer and behind the last
  Tensors masks_queries_logits;                     // of each of them: [B, Q, height / 4, width / 4]
  FIELDS_AND(Mask2FormerStates, transformer_decoder_intermediate_states, masks_queries_logits)
};
struct Mask2FormerOutput : Mask2FormerStates {
  Tensor loss;
  Tensor class_queries_logits, masks_queries_logits;     // see SegmentPredictions
  std::vector<nn::SegmentPredictions> auxiliary_logits;  // of the layers but the last, where config.json asks for them
  FIELDS_AND(Mask2FormerStates, loss, class_queries_logits, masks_queries_logits, auxiliary_logits)
};

struct Mask2FormerModel : nn::Backbone<Mask2FormerConfig, CallableModel<SegmentationInputs, Mask2FormerModelOutput>> {
  static constexpr const char* kAutoClass = "AutoModel";
  PixelLevelModule pixel_level_module;
  TransformerModule transformer_module;
  FIELDS(pixel_level_module, transformer_module)

  explicit Mask2FormerModel(const Mask2FormerConfig& c) : Backbone(c), pixel_level_module(c), transformer_module(c) {}
  WeightMap weight_map() const override;
  Mask2FormerModelOutput forward(const SegmentationInputs& in) const override;
};

struct Mask2FormerForUniversalSegmentation : CallableModel<SegmentationInputs, Mask2FormerOutput>,
                                             UniversalSegmentation,
                                             nn::HasConfiguredParts {
  static constexpr const char* kAutoClass = "AutoModelForUniversalSegmentation";
  using ConfigType = Mask2FormerConfig;
  Mask2FormerModel model;
  nn::Linear class_predictor;
  FIELDS(model, class_predictor)

  explicit Mask2FormerForUniversalSegmentation(const Mask2FormerConfig& c)
      : model(c), class_predictor(c.hidden_dim, c.num_labels() + 1) {}
  const Mask2FormerConfig& config() const override { return model.config(); }
  WeightMap weight_map() const override { return nn::with_head(model.weight_map(), "model", "class_predictor"); }
  Mask2FormerOutput forward(const SegmentationInputs& in) const override;
  QueriedMasks queried_masks(const SegmentationInputs& in) const override;
  void each_part(const PartVisit& visit) const override { visit("backbone_config", config().swin()); }

 private:
  // Of the last layer, and behind it of those before whose states `below` has.
  std::vector<nn::SegmentPredictions> predictions(const Mask2FormerModelOutput& below) const;
};

}  // namespace imago::mask2former
