// wav2vec2-BERT (Barrault et al. 2023, "Seamless: Multilingual Expressive and Streaming Speech Translation"): layers of
// Gulati et al. 2020, "Conformer". B batch, T frames, D hidden, H heads, K head size.
#pragma once

#include "imago/nn/conformer.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/speech_heads.h"

namespace imago::wav2vec2_bert {

struct Wav2Vec2BertConfig : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "wav2vec2-bert";
  std::optional<int64_t> vocab_size;  // of letters
  int64_t hidden_size = 1024, num_hidden_layers = 24, num_attention_heads = 16;
  int64_t intermediate_size = 4096, feature_projection_input_dim = 160;
  std::string hidden_act = "swish";
  double layer_norm_eps = 1e-5;
  std::string ctc_loss_reduction = "sum";
  bool ctc_zero_infinity = false, use_weighted_layer_sum = false;
  int64_t classifier_proj_size = 768;
  std::vector<int64_t> tdnn_dim = {512, 512, 512, 512, 1500}, tdnn_kernel = {5, 3, 3, 1, 1},
                       tdnn_dilation = {1, 2, 3, 1, 1};
  int64_t xvector_output_dim = 512;
  bool add_adapter = false, use_intermediate_ffn_before_adapter = false;
  int64_t adapter_kernel_size = 3, adapter_stride = 2, num_adapter_layers = 1;
  std::string adapter_act = "relu";
  std::optional<int64_t> output_hidden_size;
  std::optional<std::string> position_embeddings_type = "relative_key";
  int64_t rotary_embedding_base = 10000, left_max_position_embeddings = 64, right_max_position_embeddings = 8;
  int64_t conv_depthwise_kernel_size = 31;
  double hidden_dropout = 0, activation_dropout = 0, attention_dropout = 0, feat_proj_dropout = 0, final_dropout = 0.1;
  double conformer_conv_dropout = 0.1;
  // Positions are computed, as many as there are frames; the others are of training.
  JsonText max_source_positions, num_codevectors_per_group, num_codevector_groups, contrastive_logits_temperature,
      num_negatives, codevector_dim, proj_codevector_dim, diversity_loss_weight;
  FIELDS_AND(Config, vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size,
             feature_projection_input_dim, hidden_act, layer_norm_eps, ctc_loss_reduction, ctc_zero_infinity,
             use_weighted_layer_sum, classifier_proj_size, tdnn_dim, tdnn_kernel, tdnn_dilation, xvector_output_dim,
             add_adapter, use_intermediate_ffn_before_adapter, adapter_kernel_size, adapter_stride, num_adapter_layers,
             adapter_act, output_hidden_size, position_embeddings_type, rotary_embedding_base,
             left_max_position_embeddings, right_max_position_embeddings, conv_depthwise_kernel_size, hidden_dropout,
             activation_dropout, attention_dropout, feat_proj_dropout, final_dropout, conformer_conv_dropout,
             max_source_positions, num_codevectors_per_group, num_codevector_groups, contrastive_logits_temperature,
             num_negatives, codevector_dim, proj_codevector_dim, diversity_loss_weight)

  Wav2Vec2BertConfig();
  void validate() const override;
  std::vector<nn::DroppedByDefault> dropped_by_default() const override { return {{"layerdrop", 0.1}}; }
  nn::ConformerAttentionOptions attention() const;
  int64_t output_size() const { return add_adapter ? output_hidden_size.value_or(hidden_size) : hidden_size; }
};

struct EncoderLayer : Module {
  nn::LayerNorm ffn1_layer_norm, self_attn_layer_norm, ffn2_layer_norm, final_layer_norm;
  nn::SpeechFeedForward ffn1, ffn2;
  nn::ConformerAttention self_attn;
  nn::ConformerConvolution conv_module;
  FIELDS(ffn1_layer_norm, ffn1, self_attn_layer_norm, self_attn, conv_module, ffn2_layer_norm, ffn2, final_layer_norm)

  explicit EncoderLayer(const Wav2Vec2BertConfig& c);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context, const nn::ConformerPositions& at) const;

  double attention_dropped;
};

struct Encoder : Module {
  std::vector<EncoderLayer> layers;
  FIELDS(layers)
};

// Fewer frames: of what is said, and of what is attended to, by one convolution each.
struct AdapterLayer : Module {
  nn::LayerNorm residual_layer_norm, self_attn_layer_norm, ffn_layer_norm;
  nn::Conv1d residual_conv, self_attn_conv;
  nn::ConformerAttention self_attn;
  nn::SpeechFeedForward ffn;
  FIELDS(residual_layer_norm, residual_conv, self_attn_layer_norm, self_attn_conv, self_attn, ffn_layer_norm, ffn)

  explicit AdapterLayer(const Wav2Vec2BertConfig& c);
  // heard: how many frames of each row of the result count; empty for all.
  Tensor operator()(const Tensor& x_BTD, nn::AttentionContext context, const std::vector<int64_t>& heard) const;

  double attention_dropped;
};

struct Adapter : Module {
  nn::Linear proj;
  nn::LayerNorm proj_layer_norm;
  std::vector<AdapterLayer> layers;
  FIELDS(proj, proj_layer_norm, layers)

  explicit Adapter(const Wav2Vec2BertConfig& c);
};

struct Wav2Vec2BertModel : nn::Backbone<Wav2Vec2BertConfig, nn::FrameModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "wav2vec2_bert";
  nn::FeatureProjection feature_projection;
  Tensor masked_spec_embed;  // of training
  Encoder encoder;
  std::optional<Adapter> adapter;
  std::optional<nn::SpeechFeedForward> intermediate_ffn;
  FIELDS(feature_projection, masked_spec_embed, encoder, adapter, intermediate_ffn)

  explicit Wav2Vec2BertModel(const Wav2Vec2BertConfig& c);
  WeightMap weight_map() const override {
    return {.base_model_prefix = "wav2vec2_bert", .optional = {"*masked_spec_embed"}};
  }
  SpeechModelOutput forward(const SpeechInputs& in) const override;
  std::vector<int64_t> heard_frames(const SpeechInputs& in) const override;

 private:
  nn::ConformerPositions positions(int64_t frames, DType dtype) const;
  int64_t adapted(int64_t frames) const;  // by one layer of the adapter
};

using Wav2Vec2BertForCTC = nn::ForCTC<Wav2Vec2BertModel>;
using Wav2Vec2BertForSequenceClassification = nn::ForSoundClassification<Wav2Vec2BertModel>;
using Wav2Vec2BertForAudioFrameClassification = nn::ForFrameClassification<Wav2Vec2BertModel>;
using Wav2Vec2BertForXVector = nn::ForXVector<Wav2Vec2BertModel>;

}  // namespace imago::wav2vec2_bert
