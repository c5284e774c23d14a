// PatchTSMixer (Ekambaram et al. 2023, "TSMixer: Lightweight MLP-Mixer Model for Multivariate Time Series
// Forecasting"). B batch, T steps, C channels, N patches, L steps of a patch, D hidden, P steps of the future.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/heads/with_head.h"
#include "imago/nn/hidden_patches.h"
#include "imago/nn/patch_mixer.h"
#include "imago/nn/series_heads.h"

namespace imago::patchtsmixer {

struct PatchTSMixerConfig : Config {
  static constexpr const char* kModelType = "patchtsmixer";
  int64_t context_length = 32, patch_length = 8, num_input_channels = 1, patch_stride = 8, num_parallel_samples = 100;
  int64_t d_model = 8, expansion_factor = 2, num_layers = 3;
  std::string mode = "common_channel";
  bool gated_attn = true;
  std::string norm_mlp = "LayerNorm";
  bool self_attn = false;
  int64_t self_attn_heads = 1;
  bool use_positional_encoding = false;
  std::string positional_encoding_type = "sincos";
  JsonText scaling{"\"std\""};
  std::string loss = "mse";
  double norm_eps = 1e-5, dropout = 0.2, head_dropout = 0.2;
  std::string mask_type = "random";
  double random_mask_ratio = 0.5;
  std::vector<int64_t> num_forecast_mask_patches = {2};  // a number or a list of them in the file
  double mask_value = 0;
  bool masked_loss = true, channel_consistent_masking = true;
  std::optional<std::vector<int64_t>> unmasked_channel_indices;
  std::string distribution_output = "student_t";
  int64_t prediction_length = 16;
  std::optional<std::vector<int64_t>> prediction_channel_indices;
  int64_t num_targets = 3;
  std::optional<std::vector<double>> output_range;
  std::optional<std::string> head_aggregation = "max_pool";
  JsonText num_patches, patch_last;  // follow from the others
  FIELDS_AND(Config, context_length, patch_length, num_input_channels, patch_stride, num_parallel_samples, d_model,
             expansion_factor, num_layers, mode, gated_attn, norm_mlp, self_attn, self_attn_heads,
             use_positional_encoding, positional_encoding_type, scaling, loss, norm_eps, mask_type, random_mask_ratio,
             num_forecast_mask_patches, mask_value, masked_loss, channel_consistent_masking, unmasked_channel_indices,
             distribution_output, prediction_length, prediction_channel_indices, num_targets, output_range,
             head_aggregation, dropout, head_dropout, num_patches, patch_last)

  void validate() const override;
  int64_t patches() const { return (context_length - patch_length) / patch_stride + 1; }
  bool scales() const;  // whether a head hears of loc and scale
  std::optional<std::string_view> family() const;
  nn::HiddenPatchOptions hidden() const;
  nn::PatchMixerOptions mixer() const;
};

struct PatchTSMixerModelOutput : ModelOutput {
  Tensor last_hidden_state;  // [B, C, N, D]
  Tensor patch_input, mask;  // [B, C, N, L]; [B, C, N] of those hidden
  Tensor loc, scale;         // [B, 1, C]
  FIELDS_AND(ModelOutput, last_hidden_state, patch_input, mask, loc, scale)
};

struct PatchTSMixerBase : CallableModel<TimeSeriesInputs, PatchTSMixerModelOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};

struct Mixers : Module {
  std::vector<nn::MixerLayer> mixers;
  FIELDS(mixers)
};

struct Encoder : Module {
  nn::Linear patcher;
  std::optional<nn::PatchPositions> positional_encoder;
  Mixers mlp_mixer_encoder;
  FIELDS(patcher, positional_encoder, mlp_mixer_encoder)

  explicit Encoder(const PatchTSMixerConfig& c);
};

struct PatchTSMixerModel : nn::Backbone<PatchTSMixerConfig, PatchTSMixerBase> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  Encoder encoder;
  FIELDS(encoder)

  explicit PatchTSMixerModel(const PatchTSMixerConfig& c) : Backbone(c), encoder(c) {}
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  PatchTSMixerModelOutput forward(const TimeSeriesInputs& in) const override {
    return read(in, in.observed_mask, false);
  }
  PatchTSMixerModelOutput read(const TimeSeriesInputs& in, const Tensor& observed_mask, bool hides) const;
};

struct PretrainHead : Module {
  nn::Linear base_pt_block;
  FIELDS(base_pt_block)
  explicit PretrainHead(const PatchTSMixerConfig& c) : base_pt_block(c.d_model, c.patch_length) {}
};

struct PredictionHead : Module {
  nn::SeriesProjection base_forecast_block;
  FIELDS(base_forecast_block)
  explicit PredictionHead(const PatchTSMixerConfig& c)
      : base_forecast_block(c.family(), c.patches() * c.d_model, c.prediction_length) {}
};

struct TargetHead : Module {
  nn::SeriesProjection projection;
  FIELDS(projection)
  TargetHead(const PatchTSMixerConfig& c, std::optional<std::string_view> family);
};

// Of all patches of all channels.
template <bool classifies>
struct ScaledTargetHead : Module {
  TargetHead head;
  std::optional<nn::ScaleInjection> inject_scale;
  FIELDS(head, inject_scale)
  explicit ScaledTargetHead(const PatchTSMixerConfig& c) : head(c, classifies ? std::nullopt : c.family()) {
    if (c.scales()) inject_scale.emplace(c.d_model);
  }
};

struct PatchTSMixerForPretraining : nn::WithHead<SeriesHead, PatchTSMixerModel, PretrainHead, "head"> {
  using WithHead::WithHead;
  SeriesHeadOutput forward(const TimeSeriesInputs& in) const override;
};

struct PatchTSMixerForPrediction : nn::WithHead<SeriesPrediction, PatchTSMixerModel, PredictionHead, "head"> {
  using WithHead::WithHead;
  SeriesHeadOutput forward(const TimeSeriesInputs& in) const override;
  ForecastShape forecast_shape() const override;
  Tensor sample(const TimeSeriesInputs& in, int64_t samples, const DrawValues& draw) const override;

 private:
  SeriesHeadOutput predict(const PatchTSMixerModelOutput& below, const Tensor& future_values) const;
};

struct PatchTSMixerForRegression : nn::WithHead<SeriesHead, PatchTSMixerModel, ScaledTargetHead<false>, ""> {
  static constexpr const char* kAutoClass = "AutoModelForTimeSeriesRegression";
  using WithHead::WithHead;
  SeriesHeadOutput forward(const TimeSeriesInputs& in) const override;
};

struct PatchTSMixerForTimeSeriesClassification
    : nn::WithHead<SeriesHead, PatchTSMixerModel, ScaledTargetHead<true>, ""> {
  static constexpr const char* kAutoClass = "AutoModelForTimeSeriesClassification";
  using WithHead::WithHead;
  SeriesHeadOutput forward(const TimeSeriesInputs& in) const override;
};

}  // namespace imago::patchtsmixer
