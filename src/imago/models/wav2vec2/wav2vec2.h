// wav2vec 2.0 (Baevski et al. 2020, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations").
// B batch, N samples, T frames, D hidden.
#pragma once

#include "imago/nn/dropout.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/speech_frames.h"
#include "imago/nn/speech_heads.h"
#include "imago/nn/speech_pretraining.h"
#include "imago/nn/speech_training.h"

namespace imago::wav2vec2 {

struct Wav2Vec2Config : nn::SpeechTrainingConfig {
  static constexpr const char* kModelType = "wav2vec2";
  int64_t vocab_size = 32, hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  std::string hidden_act = "gelu", feat_extract_norm = "group", feat_extract_activation = "gelu";
  double layer_norm_eps = 1e-5;
  std::vector<int64_t> conv_dim = {512, 512, 512, 512, 512, 512, 512}, conv_stride = {5, 2, 2, 2, 2, 2, 2},
                       conv_kernel = {10, 3, 3, 3, 3, 2, 2};
  bool conv_bias = false, do_stable_layer_norm = false, add_adapter = false;
  int64_t num_conv_pos_embeddings = 128, num_conv_pos_embedding_groups = 16;
  std::string ctc_loss_reduction = "sum";
  bool ctc_zero_infinity = false, use_weighted_layer_sum = false;
  int64_t classifier_proj_size = 256;
  std::optional<int64_t> adapter_attn_dim, output_hidden_size;
  int64_t adapter_kernel_size = 3, adapter_stride = 2, num_adapter_layers = 3;
  int64_t num_codevectors_per_group = 320, num_codevector_groups = 2, codevector_dim = 256, proj_codevector_dim = 256;
  double contrastive_logits_temperature = 0.1, diversity_loss_weight = 0.1, feat_quantizer_dropout = 0;
  double final_dropout = 0.1, layerdrop = 0.1;
  std::vector<int64_t> tdnn_dim = {512, 512, 512, 512, 1500}, tdnn_kernel = {5, 3, 3, 1, 1},
                       tdnn_dilation = {1, 2, 3, 1, 1};
  int64_t xvector_output_dim = 512;
  JsonText num_negatives, num_feat_extract_layers;  // of who draws them; follows from others
  FIELDS_AND(nn::SpeechTrainingConfig, vocab_size, hidden_size, num_hidden_layers, num_attention_heads,
             intermediate_size, hidden_act, feat_extract_norm, feat_extract_activation, layer_norm_eps, conv_dim,
             conv_stride, conv_kernel, conv_bias, do_stable_layer_norm, add_adapter, num_conv_pos_embeddings,
             num_conv_pos_embedding_groups, ctc_loss_reduction, ctc_zero_infinity, use_weighted_layer_sum,
             classifier_proj_size, adapter_attn_dim, num_codevectors_per_group, num_codevector_groups,
             contrastive_logits_temperature, num_negatives, codevector_dim, proj_codevector_dim, diversity_loss_weight,
             tdnn_dim, tdnn_kernel, tdnn_dilation, xvector_output_dim, adapter_kernel_size, adapter_stride,
             num_adapter_layers, output_hidden_size, num_feat_extract_layers, feat_quantizer_dropout, final_dropout,
             layerdrop)

  Wav2Vec2Config();
  void validate() const override;
  nn::FrameOptions frame_options() const;
  nn::CodeBookOptions code_book() const;
  int64_t output_size() const { return add_adapter ? output_hidden_size.value_or(hidden_size) : hidden_size; }
};

// What a language adds to a layer of a model for many (Houlsby et al. 2019, "Parameter-Efficient Transfer Learning").
struct AttentionAdapter : Module {
  nn::LayerNorm norm;
  nn::Linear linear_1, linear_2;
  FIELDS(norm, linear_1, linear_2)

  AttentionAdapter(int64_t hidden_size, int64_t inner_size);
  Tensor operator()(const Tensor& x_BTD) const;
};

struct EncoderLayer : Module {
  nn::MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj"> attention;
  nn::LayerNorm layer_norm, final_layer_norm;
  nn::SpeechFeedForward feed_forward;
  std::optional<AttentionAdapter> adapter_layer;
  FIELDS(attention, layer_norm, feed_forward, final_layer_norm, adapter_layer)

  EncoderLayer(const Wav2Vec2Config& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;

  bool norm_first;
  double dropped;
};

struct Encoder : Module {
  nn::PositionalConvolution pos_conv_embed;
  nn::LayerNorm layer_norm;
  std::vector<EncoderLayer> layers;
  FIELDS(pos_conv_embed, layer_norm, layers)

  explicit Encoder(const Wav2Vec2Config& c);
  // mask bool [B, T], or undefined.
  BaseModelOutput operator()(Tensor x_BTD, const Tensor& mask, const SpeechInputs& in) const;

  bool norm_first;
  nn::SpeechDropout dropped;
};

struct AdapterLayer : Module {
  nn::Conv1d conv;
  FIELDS(conv)
};

// Fewer frames, by convolutions with gates.
struct Adapter : Module {
  nn::Linear proj;
  nn::LayerNorm proj_layer_norm;
  std::vector<AdapterLayer> layers;
  FIELDS(proj, proj_layer_norm, layers)

  explicit Adapter(const Wav2Vec2Config& c);
  Tensor operator()(const Tensor& x_BTD) const;
};

struct Wav2Vec2Model : nn::Backbone<Wav2Vec2Config, nn::FrameModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "wav2vec2";
  nn::FeatureEncoder feature_extractor;
  nn::FeatureProjection feature_projection;
  Tensor masked_spec_embed;  // in the place of what is hidden
  Encoder encoder;
  std::optional<Adapter> adapter;
  FIELDS(feature_extractor, feature_projection, masked_spec_embed, encoder, adapter)

  explicit Wav2Vec2Model(const Wav2Vec2Config& c);
  WeightMap weight_map() const override;
  SpeechModelOutput forward(const SpeechInputs& in) const override { return hear(in, {}); }
  // With the frames `hidden` [B, T], which may be undefined.
  SpeechModelOutput hear(const SpeechInputs& in, const Tensor& hidden_BT) const;
  std::vector<int64_t> heard_frames(const SpeechInputs& in) const override;
};

using Wav2Vec2ForPreTraining = nn::ForSpeechPreTraining<Wav2Vec2Model>;
using Wav2Vec2ForCTC = nn::ForCTC<Wav2Vec2Model>;
using Wav2Vec2ForSequenceClassification = nn::ForSoundClassification<Wav2Vec2Model>;
using Wav2Vec2ForAudioFrameClassification = nn::ForFrameClassification<Wav2Vec2Model>;
using Wav2Vec2ForXVector = nn::ForXVector<Wav2Vec2Model>;

}  // namespace imago::wav2vec2
