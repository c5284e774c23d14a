// Audio Spectrogram Transformer (Gong et al. 2021, "AST: Audio Spectrogram Transformer").
// B batch, F frames, M mel bands, N patches, T tokens, D hidden.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/backbone.h"
#include "imago/nn/heads/with_head.h"
#include "imago/nn/losses.h"
#include "imago/nn/named_fields.h"
#include "imago/nn/registry.h"
#include "imago/nn/speech_model.h"
#include "imago/nn/vision/patch_transformer.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::audio_spectrogram_transformer {

struct ASTConfig : nn::PatchTransformerConfig {
  static constexpr const char* kModelType = "audio-spectrogram-transformer";
  int64_t frequency_stride = 10, time_stride = 10, max_length = 1024, num_mel_bins = 128;
  FIELDS_AND(PatchTransformerConfig, intermediate_size, frequency_stride, time_stride, max_length, num_mel_bins)

  void validate() const override {
    require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
    if (frequency_stride < 1 || time_stride < 1 || patches() < 1)
      throw Error(ErrorKind::kInvalidFile, "config.json", "strides, patch_size and the spectrogram's sizes do not fit");
  }
  int64_t patches() const {
    if (num_mel_bins < patch().height || max_length < patch().width) return 0;
    return ((num_mel_bins - patch().height) / frequency_stride + 1) * ((max_length - patch().width) / time_stride + 1);
  }
};

// The spectrogram is a picture whose patches overlap; two tokens stand in front.
struct Embeddings : Module {
  Tensor cls_token, distillation_token, position_embeddings;
  nn::Conv2d projection;
  FIELDS_NAMED("cls_token, distillation_token, position_embeddings, patch_embeddings.projection", cls_token,
               distillation_token, position_embeddings, projection)

  explicit Embeddings(const ASTConfig& c)
      : cls_token(parameter({1, 1, c.hidden_size})),
        distillation_token(parameter({1, 1, c.hidden_size})),
        position_embeddings(parameter({1, c.patches() + 2, c.hidden_size})),
        projection(nn::Conv2d::patches(1, c.hidden_size, c.patch().height, c.patch().width)),
        dropped(c.hidden_dropout_prob) {
    projection.stride = {c.frequency_stride, c.time_stride};
  }
  Tensor operator()(const Tensor& values_BFM) const {
    const Tensor patches_BND = nn::to_tokens(projection(transpose(unsqueeze(values_BFM, 1), 2, 3)));
    const Tensor front = concat({cls_token, distillation_token}, 1);
    return nn::dropout(nn::prepend(front, patches_BND) + position_embeddings, dropped);
  }

  double dropped;
};

struct ASTModel : nn::Backbone<ASTConfig, SpeechModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "audio_spectrogram_transformer";
  Embeddings embeddings;
  std::vector<nn::PatchTransformerLayer> layers;
  nn::LayerNorm layernorm;
  FIELDS(embeddings, layers, layernorm)

  explicit ASTModel(const ASTConfig& c) : Backbone(c), embeddings(c), layernorm(c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers.emplace_back(c.layer_options());
  }
  WeightMap weight_map() const override {
    return {.base_model_prefix = kBaseModelPrefix.string(), .rules = nn::patch_layer_rules()};
  }
  SpeechModelOutput forward(const SpeechInputs& in) const override {
    const Tensor& values_BFM = in.input_values;
    const int64_t frames = config().max_length, bands = config().num_mel_bins;
    if (!values_BFM || values_BFM.dim() != 3 || values_BFM.size(1) != frames || values_BFM.size(2) != bands) {
      throw Error(ErrorKind::kInvalidArgument, "forward",
                  fmt::format("input_values are {}, and the model takes [batch, {}, {}]",
                              values_BFM ? values_BFM.describe() : "missing", frames, bands));
    }
    nn::Recorder record(in);
    const nn::AttentionContext context{.implementation = in.attention, .weights = record.attentions()};
    const nn::AttentionDropout attention_dropout(config().attention_probs_dropout_prob);
    BaseModelOutput below = nn::run_layers(embeddings(values_BFM), layers, context, record);
    SpeechModelOutput out;
    out.last_hidden_state = layernorm(below.last_hidden_state);
    out.pooler_output = (select(out.last_hidden_state, 1, 0) + select(out.last_hidden_state, 1, 1)) / 2.0;
    take_states(out, std::move(below));
    return out;
  }
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
  LogitsOutput forward(const SpeechInputs& in) const override {
    SpeechModelOutput below = base.forward(in);
    LogitsOutput out;
    out.logits = head(below.pooler_output);
    out.loss = nn::sequence_classification_loss(out.logits, in.labels, config());
    take_states(out, std::move(below));
    return out;
  }
};

}  // namespace imago::audio_spectrogram_transformer

REGISTER_MODELS(audio_spectrogram_transformer, ASTModel, ASTForAudioClassification)
