// Mask2Former (Cheng et al. 2021, "Masked-attention Mask Transformer for Universal Image Segmentation").
#pragma once

#include "imago/models/mask2former/pixel_decoder.h"
#include "imago/nn/universal_segmentation_model.h"

namespace imago::mask2former {

// torch's MultiheadAttention, whose three projections are one matrix.
struct CrossAttention : Module {
  Tensor in_proj_weight, in_proj_bias;
  nn::Linear out_proj;
  int64_t heads;
  FIELDS(in_proj_weight, in_proj_bias, out_proj)

  CrossAttention(int64_t hidden_size, int64_t head_count);
  Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                    const nn::AttentionContext& context) const;
};

struct SelfAttention : Module {
  nn::Linear k_proj, v_proj, q_proj, out_proj;
  int64_t heads;
  FIELDS(k_proj, v_proj, q_proj, out_proj)

  SelfAttention(int64_t hidden_size, int64_t head_count);
  Tensor operator()(const Tensor& placed, const Tensor& value, const nn::AttentionContext& context) const;
};

struct DecoderLayer : Module {
  SelfAttention self_attn;
  CrossAttention cross_attn;
  nn::LayerNorm self_attn_layer_norm, cross_attn_layer_norm, final_layer_norm;
  nn::Linear fc1, fc2;
  nn::Activation activation;
  bool pre_norm;
  FIELDS(self_attn, self_attn_layer_norm, cross_attn, cross_attn_layer_norm, fc1, fc2, final_layer_norm)

  explicit DecoderLayer(const Mask2FormerConfig& c);
  Tensor operator()(const Tensor& x_BQD, const Tensor& queries_1QD, const Tensor& keys_BND, const Tensor& values_BND,
                    const nn::DecoderContext& context) const;
};

// Three dense layers with relu between them, which the file numbers twice ("0.0", "1.0", "2.0").
struct MaskEmbedder : Module {
  std::vector<nn::Linear> layers;
  void each_field(FieldVisitor& visitor);

  MaskEmbedder(int64_t hidden_size, int64_t out);
  Tensor operator()(const Tensor& x) const;
};

struct MaskPredictor : Module {
  MaskEmbedder mask_embedder;
  FIELDS(mask_embedder)
};

struct Decoder : Module {
  std::vector<DecoderLayer> layers;
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
  PixelDecoder decoder;
  FIELDS(encoder, decoder)

  explicit PixelLevelModule(const Mask2FormerConfig& c) : encoder(c.swin()), decoder(c) {}
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
  Tensor class_queries_logits;  // [B, Q, labels + 1]
  Tensor masks_queries_logits;
  FIELDS_AND(Mask2FormerStates, class_queries_logits, masks_queries_logits)
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
                                             UniversalSegmentation {
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
};

}  // namespace imago::mask2former
