// Whisper (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision").
// B batch, M mel bands, F frames, D hidden.
#pragma once

#include "imago/nn/convolution_1d.h"
#include "imago/nn/encoder_decoder_stack.h"
#include "imago/nn/speech_model.h"

namespace imago::whisper {

struct WhisperConfig : Config {
  static constexpr const char* kModelType = "whisper";
  int64_t vocab_size = 51865, num_mel_bins = 80, d_model = 384;
  int64_t encoder_layers = 4, encoder_attention_heads = 6, encoder_ffn_dim = 1536;
  int64_t decoder_layers = 4, decoder_attention_heads = 6, decoder_ffn_dim = 1536;
  std::string activation_function = "gelu";
  int64_t max_source_positions = 1500, max_target_positions = 448;
  bool scale_embedding = false, use_weighted_layer_sum = false;
  int64_t classifier_proj_size = 256;
  // Of training, of generation, and of early files: nothing is computed from them here.
  JsonText median_filter_width, num_hidden_layers, forced_decoder_ids;
  FIELDS_AND(Config, vocab_size, num_mel_bins, d_model, encoder_layers, encoder_attention_heads, encoder_ffn_dim,
             decoder_layers, decoder_attention_heads, decoder_ffn_dim, activation_function, max_source_positions,
             max_target_positions, scale_embedding, use_weighted_layer_sum, classifier_proj_size, median_filter_width,
             num_hidden_layers, forced_decoder_ids)

  WhisperConfig();
  void validate() const override;
  nn::StackOptions stack(bool decodes) const;
};

// Two convolutions, of which the second halves the frames, and learned positions. Reads inputs_embeds [B, M, F].
struct Encoder : nn::EncoderDecoderStack {
  nn::Conv1d conv1, conv2;
  nn::Embedding embed_positions;
  nn::LayerNorm layer_norm;
  FIELDS_AND(EncoderDecoderStack, conv1, conv2, embed_positions, layer_norm)

  explicit Encoder(const WhisperConfig& c);
  BaseModelOutput operator()(const TextInputs& in) const;
};

struct Decoder : nn::EncoderDecoderStack {
  nn::Embedding embed_positions;
  nn::LayerNorm layer_norm;
  FIELDS_AND(EncoderDecoderStack, embed_positions, layer_norm)

  explicit Decoder(const WhisperConfig& c);
  BaseModelOutput operator()(const TextInputs& in) const;
};

struct TextModel : nn::EncoderDecoder<WhisperConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "decoder.embed_tokens.weight";
  Encoder encoder;
  Decoder decoder;
  FIELDS(encoder, decoder)

  explicit TextModel(const WhisperConfig& c) : EncoderDecoder(c), encoder(c), decoder(c) {}
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput encode(const TextInputs& in) const override { return encoder(in); }
  BaseModelOutput decode(const TextInputs& in) const override { return decoder(in); }
};

using WhisperModel = nn::HearingModel<SpeechSeq2SeqModel, TextModel>;
using WhisperForConditionalGeneration =
    nn::HearingSeq2SeqLM<nn::ForConditionalGeneration<TextModel, nn::LMHead, "proj_out">>;

// The mean over the frames of a projection of the encoder's output, or of a weighted sum of all its layers'.
struct WhisperForAudioClassification : nn::Backbone<WhisperConfig, AudioClassification> {
  Encoder encoder;
  Tensor layer_weights;
  nn::Linear projector, classifier;
  FIELDS(encoder, layer_weights, projector, classifier)

  explicit WhisperForAudioClassification(const WhisperConfig& c);
  WeightMap weight_map() const override { return {}; }
  LogitsOutput forward(const SpeechInputs& in) const override;
};

}  // namespace imago::whisper
