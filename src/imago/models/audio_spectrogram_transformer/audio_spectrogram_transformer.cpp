// B batch, F frames, M mel bands, T tokens, D hidden.
#include "imago/models/audio_spectrogram_transformer/audio_spectrogram_transformer.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::audio_spectrogram_transformer {

void ASTConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  if (frequency_stride < 1 || time_stride < 1 || patches() < 1)
    throw Error(ErrorKind::kInvalidFile, "config.json", "strides, patch_size and the spectrogram's sizes do not fit");
}

int64_t ASTConfig::patches() const {
  const nn::Extent patch = nn::extent(patch_size, "patch_size");
  if (num_mel_bins < patch.height || max_length < patch.width) return 0;
  return ((num_mel_bins - patch.height) / frequency_stride + 1) * ((max_length - patch.width) / time_stride + 1);
}

Embeddings::Embeddings(const ASTConfig& c)
    : cls_token(parameter({1, 1, c.hidden_size})),
      distillation_token(parameter({1, 1, c.hidden_size})),
      position_embeddings(parameter({1, c.patches() + 2, c.hidden_size})),
      frames(c.max_length),
      bands(c.num_mel_bins) {
  const nn::Extent patch = nn::extent(c.patch_size, "patch_size");
  patch_embeddings.projection = nn::Conv2d::patches(1, c.hidden_size, patch.height, patch.width);
  patch_embeddings.projection.stride = {c.frequency_stride, c.time_stride};
}

Tensor Embeddings::operator()(const Tensor& values_BFM) const {
  if (!values_BFM || values_BFM.dim() != 3 || values_BFM.size(1) != frames || values_BFM.size(2) != bands) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("input_values are {}, and the model takes [batch, {}, {}]",
                            values_BFM ? values_BFM.describe() : "missing", frames, bands));
  }
  const Tensor picture = transpose(unsqueeze(values_BFM, 1), 2, 3);
  const Tensor patches_BND = transpose(flatten(patch_embeddings.projection(picture), 2, 3), 1, 2);
  const Shape one = {values_BFM.size(0), 1, cls_token.size(2)};
  return concat({expand(cls_token, one), expand(distillation_token, one), patches_BND}, 1) + position_embeddings;
}

ASTModel::ASTModel(const ASTConfig& c) : Backbone(c), embeddings(c), layernorm(c.hidden_size, c.layer_norm_eps) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c);
}

WeightMap ASTModel::weight_map() const {
  return {.base_model_prefix = "audio_spectrogram_transformer", .rules = vit::layer_rules()};
}

SpeechModelOutput ASTModel::forward(const SpeechInputs& in) const {
  nn::Recorder record(in);
  nn::AttentionContext context;
  context.implementation = in.attention;
  context.weights = record.attentions();
  Tensor x_BTD = embeddings(in.input_values);
  for (const vit::Layer& layer : layers) x_BTD = layer(record(x_BTD), context);
  SpeechModelOutput out;
  out.last_hidden_state = layernorm(x_BTD);  // that of the hidden states is not normalised
  out.pooler_output = (select(out.last_hidden_state, 1, 0) + select(out.last_hidden_state, 1, 1)) / 2.0;
  take_states(out, record.finish(x_BTD));
  return out;
}

LogitsOutput ASTForAudioClassification::forward(const SpeechInputs& in) const {
  SpeechModelOutput below = base.forward(in);
  LogitsOutput out;
  out.logits = head(below.pooler_output);
  out.loss = nn::sequence_classification_loss(out.logits, in.labels, config());
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::audio_spectrogram_transformer

namespace imago {

void register_audio_spectrogram_transformer(Registry& registry) {
  using namespace audio_spectrogram_transformer;
  registry.add<ASTModel>("ASTModel");
  registry.add<ASTForAudioClassification>("ASTForAudioClassification");
}

}  // namespace imago
