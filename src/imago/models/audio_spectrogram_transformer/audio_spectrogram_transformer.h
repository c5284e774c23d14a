// Audio Spectrogram Transformer (Gong et al. 2021, "AST: Audio Spectrogram Transformer").
// B batch, F frames, M mel bands, T tokens, D hidden.
#pragma once

#include "imago/models/vit/vit.h"
#include "imago/nn/speech_model.h"

namespace imago::audio_spectrogram_transformer {

struct ASTConfig : vit::ViTConfig {
  static constexpr const char* kModelType = "audio-spectrogram-transformer";
  int64_t frequency_stride = 10, time_stride = 10, max_length = 1024, num_mel_bins = 128;
  FIELDS_AND(ViTConfig, frequency_stride, time_stride, max_length, num_mel_bins)

  void validate() const override;
  int64_t patches() const;
};

struct PatchEmbeddings : Module {
  nn::Conv2d projection;
  FIELDS(projection)
};

// The spectrogram is a picture whose patches overlap; two tokens stand in front.
struct Embeddings : Module {
  Tensor cls_token, distillation_token, position_embeddings;
  PatchEmbeddings patch_embeddings;
  FIELDS(cls_token, distillation_token, position_embeddings, patch_embeddings)

  explicit Embeddings(const ASTConfig& c);
  Tensor operator()(const Tensor& values_BFM) const;

  int64_t frames, bands;
};

struct ASTModel : nn::Backbone<ASTConfig, SpeechModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "audio_spectrogram_transformer";
  Embeddings embeddings;
  std::vector<vit::Layer> layers;
  nn::LayerNorm layernorm;
  FIELDS(embeddings, layers, layernorm)

  explicit ASTModel(const ASTConfig& c);
  WeightMap weight_map() const override;
  SpeechModelOutput forward(const SpeechInputs& in) const override;
};

struct MLPHead : Module {
  nn::LayerNorm layernorm;
  nn::Linear dense;
  FIELDS(layernorm, dense)

  explicit MLPHead(const ASTConfig& c)
      : layernorm(c.hidden_size, c.layer_norm_eps), dense(c.hidden_size, c.num_labels()) {}
  Tensor operator()(const Tensor& x) const { return dense(layernorm(x)); }
};

struct ASTForAudioClassification : nn::WithHead<AudioClassification, ASTModel, MLPHead, "classifier"> {
  using WithHead::WithHead;
  LogitsOutput forward(const SpeechInputs& in) const override;
};

}  // namespace imago::audio_spectrogram_transformer
