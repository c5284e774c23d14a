// SpeechT5 (Ao et al. 2022, "SpeechT5: Unified-Modal Encoder-Decoder Pre-Training for Spoken Language Processing"): one
// encoder and decoder, with layers before and behind them for speech or for text. B batch, T tokens or frames, D
// hidden, M mel bands.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/spectrogram_speaker.h"
#include "imago/nn/speech_model.h"
#include "imago/nn/speech_training.h"
#include "imago/nn/stacks_of_states.h"

namespace imago::speecht5 {

struct SpeechT5Config : nn::SpeechTrainingConfig {
  static constexpr const char* kModelType = "speecht5";
  int64_t vocab_size = 81, hidden_size = 768;
  int64_t encoder_layers = 12, encoder_attention_heads = 12, encoder_ffn_dim = 3072;
  int64_t decoder_layers = 6, decoder_attention_heads = 12, decoder_ffn_dim = 3072;
  std::string hidden_act = "gelu", feat_extract_norm = "group", feat_extract_activation = "gelu";
  double layer_norm_eps = 1e-5;
  bool scale_embedding = false, conv_bias = false;
  std::vector<int64_t> conv_dim = {512, 512, 512, 512, 512, 512, 512}, conv_stride = {5, 2, 2, 2, 2, 2, 2},
                       conv_kernel = {10, 3, 3, 3, 3, 2, 2};
  int64_t num_conv_pos_embeddings = 128, num_conv_pos_embedding_groups = 16, encoder_max_relative_position = 160;
  int64_t num_mel_bins = 80, reduction_factor = 2, speaker_embedding_dim = 512;
  int64_t speech_decoder_prenet_layers = 2, speech_decoder_prenet_units = 256;
  double speech_decoder_prenet_dropout = 0.5, speech_decoder_postnet_dropout = 0.5;
  int64_t speech_decoder_postnet_layers = 5, speech_decoder_postnet_units = 256, speech_decoder_postnet_kernel = 5;
  bool use_guided_attention_loss = true;
  int64_t guided_attention_loss_num_heads = 2;
  double guided_attention_loss_sigma = 0.4, guided_attention_loss_scale = 10;
  int64_t max_speech_positions = 4000, max_text_positions = 450;
  double encoder_layerdrop = 0.1, decoder_layerdrop = 0.1, positional_dropout = 0.1;
  JsonText num_feat_extract_layers;  // follows from conv_dim
  FIELDS_AND(nn::SpeechTrainingConfig, vocab_size, hidden_size, encoder_layers, encoder_attention_heads,
             encoder_ffn_dim, decoder_layers, decoder_attention_heads, decoder_ffn_dim, hidden_act, feat_extract_norm,
             feat_extract_activation, layer_norm_eps, scale_embedding, conv_bias, conv_dim, conv_stride, conv_kernel,
             num_conv_pos_embeddings, num_conv_pos_embedding_groups, encoder_max_relative_position, num_mel_bins,
             reduction_factor, speaker_embedding_dim, speech_decoder_prenet_layers, speech_decoder_prenet_units,
             speech_decoder_prenet_dropout, speech_decoder_postnet_layers, speech_decoder_postnet_units,
             speech_decoder_postnet_kernel, use_guided_attention_loss, guided_attention_loss_num_heads,
             guided_attention_loss_sigma, guided_attention_loss_scale, max_speech_positions, max_text_positions,
             speech_decoder_postnet_dropout, num_feat_extract_layers, encoder_layerdrop, decoder_layerdrop,
             positional_dropout)

  SpeechT5Config();
  void validate() const override;
  nn::RelativeStackOptions stack(bool decodes) const;
  nn::FrameOptions frame_options() const;
};

// Rows of what an encoder reads, and which of them count (undefined: all).
struct Prepared {
  Tensor x_BTD;
  Tensor mask;  // bool [B, T]
};

struct SpeechEncoderPrenet : Module {
  nn::FeatureEncoder feature_encoder;
  nn::FeatureProjection feature_projection;
  Tensor masked_spec_embed;  // of training
  nn::PositionalConvolution pos_conv_embed;
  FIELDS(feature_encoder, feature_projection, masked_spec_embed, pos_conv_embed)

  explicit SpeechEncoderPrenet(const SpeechT5Config& c);
  Prepared operator()(const Tensor& samples_BN, const Tensor& attention_mask) const;
  std::vector<int64_t> heard_frames(const Tensor& samples_BN, const Tensor& attention_mask) const {
    return nn::heard_frames(feature_encoder.options, samples_BN, attention_mask);
  }

  SpeechT5Config config;
};

struct TextEncoderPrenet : Module {
  nn::Embedding embed_tokens;
  nn::ScaledPositions encode_positions;
  FIELDS(embed_tokens, encode_positions)

  explicit TextEncoderPrenet(const SpeechT5Config& c) : embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id) {}
  Prepared operator()(const Tensor& ids_BT, const Tensor& attention_mask) const;
};

struct TextDecoderPrenet : Module {
  nn::Embedding embed_tokens;
  FIELDS(embed_tokens)

  explicit TextDecoderPrenet(const SpeechT5Config& c);
  Tensor operator()(const TextInputs& in) const;

  double scale, dropped;
};

template <class Prenet>
struct PreparedEncoder : Module {
  Prenet prenet;
  nn::RelativeEncoder wrapped_encoder;
  FIELDS(prenet, wrapped_encoder)
  explicit PreparedEncoder(const SpeechT5Config& c) : prenet(c), wrapped_encoder(c.stack(false)) {}
};

template <class Prenet>
struct PreparedDecoder : Module {
  Prenet prenet;
  nn::CrossAttendingDecoder wrapped_decoder;
  FIELDS(prenet, wrapped_decoder)
  explicit PreparedDecoder(const SpeechT5Config& c) : prenet(c), wrapped_decoder(c.stack(true)) {}
};

template <class EncoderPrenet, class DecoderPrenet>
struct Stacks : Module {
  PreparedEncoder<EncoderPrenet> encoder;
  PreparedDecoder<DecoderPrenet> decoder;
  FIELDS(encoder, decoder)
  explicit Stacks(const SpeechT5Config& c) : encoder(c), decoder(c) {}
};

struct TextDecoderPostnet : Module {
  nn::Linear lm_head;
  FIELDS(lm_head)
};

struct SpeechT5ForSpeechToText : nn::Backbone<SpeechT5Config, SpeechSeq2SeqLM> {
  Stacks<SpeechEncoderPrenet, TextDecoderPrenet> speecht5;
  TextDecoderPostnet text_decoder_postnet;
  FIELDS(speecht5, text_decoder_postnet)

  explicit SpeechT5ForSpeechToText(const SpeechT5Config& c);
  WeightMap weight_map() const override;
  BaseModelOutput encode(const SpeechInputs& in) const override;
  Seq2SeqOutput forward(const SpeechInputs& in) const override;
};

template <class Interface, class EncoderPrenet>
struct SpeakingModel : nn::Backbone<SpeechT5Config, Interface> {
  Stacks<EncoderPrenet, nn::SpectrogramPrenet> speecht5;
  nn::SpectrogramPostnet speech_decoder_postnet;
  FIELDS(speecht5, speech_decoder_postnet)

  explicit SpeakingModel(const SpeechT5Config& c);
  WeightMap weight_map() const override;
  SpectrogramOutput forward(const SpeakingInputs& in) const override;
  Tensors generate_speech(const SpeakingInputs& in, const SpeakingOptions& options) const override;

 private:
  Prepared prepare(const SpeakingInputs& in, const Tensor& mask) const;
  nn::SpectrogramSpeaker speaker() const {
    const SpeechT5Config& c = this->config();
    return {speecht5.decoder.prenet,
            speecht5.decoder.wrapped_decoder,
            speech_decoder_postnet,
            {.reduction_factor = c.reduction_factor,
             .guided_heads = c.use_guided_attention_loss ? c.guided_attention_loss_num_heads : 0,
             .sigma = c.guided_attention_loss_sigma,
             .scale = c.guided_attention_loss_scale},
            std::is_same_v<EncoderPrenet, TextEncoderPrenet>};
  }
};

using SpeechT5Model = nn::StacksOfStates<SpeechT5Config>;
using SpeechT5ForTextToSpeech = SpeakingModel<TextToSpectrogram, TextEncoderPrenet>;
using SpeechT5ForSpeechToSpeech = SpeakingModel<SpectrogramModel, SpeechEncoderPrenet>;

}  // namespace imago::speecht5
