// B batch, T steps, C channels, N patches, L steps of a patch, D hidden, P steps of the future.
#include "imago/models/patchtsmixer/patchtsmixer.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::patchtsmixer {
namespace {

bool is_batch_norm(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name.find("batch") != std::string::npos;
}

template <class Head>
Tensor target_features(PatchTSMixerModelOutput& below, const Head& head, const PatchTSMixerConfig& c) {
  if (head.inject_scale)
    below.last_hidden_state = (*head.inject_scale)(below.last_hidden_state, below.loc, below.scale);
  return nn::dropout(nn::aggregated_patches(below.last_hidden_state, c.head_aggregation), c.head_dropout);
}

void take_hidden(SeriesHeadOutput& out, PatchTSMixerModelOutput below) {
  out.last_hidden_state = std::move(below.last_hidden_state);
  take_states(out, std::move(below));
}

}  // namespace

void PatchTSMixerConfig::validate() const {
  const auto refuse = [](bool wrong, ErrorKind kind, const std::string& what) {
    if (wrong) throw Error(kind, "config.json", what);
  };
  if (self_attn) require_heads("d_model", d_model, "self_attn_heads", self_attn_heads);
  refuse(context_length <= patch_length || patch_length < 1 || patch_stride < 1, ErrorKind::kInvalidFile,
         "context_length is not above patch_length, or patch_length or patch_stride below 1");
  refuse(mode != "common_channel" && mode != "mix_channel", ErrorKind::kUnsupported, "mode " + mode);
  refuse(loss != "mse" && loss != "nll", ErrorKind::kUnsupported, "loss " + loss);
  refuse(head_aggregation && head_aggregation != "use_last" && head_aggregation != "max_pool" &&
             head_aggregation != "avg_pool",
         ErrorKind::kUnsupported, "head_aggregation " + head_aggregation.value_or(""));
  refuse(output_range && output_range->size() != 2, ErrorKind::kInvalidFile, "output_range is not two numbers");
}

bool PatchTSMixerConfig::scales() const {
  return scaling.text == "\"std\"" || scaling.text == "\"mean\"" || scaling.text == "true";
}

std::optional<std::string_view> PatchTSMixerConfig::family() const {
  if (loss == "mse") return {};
  return distribution_output;
}

nn::HiddenPatchOptions PatchTSMixerConfig::hidden() const {
  return {.type = mask_type,
          .ratio = random_mask_ratio,
          .last = num_forecast_mask_patches,
          .all_channels = channel_consistent_masking,
          .shown_channels = unmasked_channel_indices.value_or(std::vector<int64_t>()),
          .value = mask_value};
}

nn::PatchMixerOptions PatchTSMixerConfig::mixer() const {
  return {.channels = num_input_channels,
          .patches = patches(),
          .size = d_model,
          .expansion = expansion_factor,
          .mixes_channels = mode == "mix_channel",
          .gated = gated_attn,
          .norm = is_batch_norm(norm_mlp) ? "batchnorm" : "layernorm",
          .norm_eps = norm_eps,
          .attention_heads = self_attn ? self_attn_heads : 0,
          .dropout = dropout};
}

Encoder::Encoder(const PatchTSMixerConfig& c) : patcher(c.patch_length, c.d_model) {
  if (c.use_positional_encoding) positional_encoder.emplace(c.patches(), c.d_model, false);
  for (int64_t layer = 0; layer < c.num_layers; ++layer) mlp_mixer_encoder.mixers.emplace_back(c.mixer());
}

PatchTSMixerModelOutput PatchTSMixerModel::read(const TimeSeriesInputs& in, const Tensor& observed_mask,
                                                bool hides) const {
  const PatchTSMixerConfig& c = config();
  const Tensor& past = in.past_values;
  if (!past || past.dim() != 3 || past.size(1) != c.context_length || past.size(2) != c.num_input_channels) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("past_values are {}, and the model takes [batch, {}, {}]",
                            past ? past.describe() : "missing", c.context_length, c.num_input_channels));
  }
  const Tensor observed = observed_mask ? cast(observed_mask, past.dtype()) : Tensor::ones(past.shape(), past.dtype());
  const bool standardises = c.scaling.text == "true";  // unlike elsewhere
  const nn::SeriesScale scale = nn::series_scale(standardises ? JsonText{"\"std\""} : c.scaling, past, observed);
  PatchTSMixerModelOutput out;
  out.loc = scale.loc;
  out.scale = scale.scale;
  out.patch_input = nn::series_patches((past - scale.loc) / scale.scale, c.patch_length, c.patch_stride);
  Tensor shown = out.patch_input;
  if (hides) {
    nn::validate(c.hidden(), c.patches());
    const Tensor hidden = nn::draw_hidden_patches(shown.shape(), c.hidden());
    shown = nn::hide_patches(shown, hidden, c.mask_value);
    out.mask = cast(hidden, DType::boolean);
  }
  nn::Recorder record(in);
  nn::AttentionContext context;
  context.implementation = in.attention;
  Tensor x_BCND = encoder.patcher(shown);
  if (encoder.positional_encoder) x_BCND = (*encoder.positional_encoder)(x_BCND);
  for (const nn::MixerLayer& layer : encoder.mlp_mixer_encoder.mixers) x_BCND = layer(record(x_BCND), context);
  out.last_hidden_state = x_BCND;
  BaseModelOutput states = record.finish(x_BCND);
  if (!states.hidden_states.empty()) states.hidden_states.erase(states.hidden_states.begin());  // what layers made only
  take_states(out, std::move(states));
  return out;
}

TargetHead::TargetHead(const PatchTSMixerConfig& c, std::optional<std::string_view> family)
    : projection(family, c.d_model * c.num_input_channels * (c.head_aggregation ? 1 : c.patches()), c.num_targets) {}

SeriesHeadOutput PatchTSMixerForPretraining::forward(const TimeSeriesInputs& in) const {
  PatchTSMixerModelOutput below = base.read(in, in.observed_mask, true);
  SeriesHeadOutput out;
  out.prediction_outputs = head.base_pt_block(nn::dropout(below.last_hidden_state, config().head_dropout));
  out.loss =
      nn::hidden_patch_loss(out.prediction_outputs, below.patch_input, config().masked_loss ? below.mask : Tensor());
  take_hidden(out, std::move(below));
  return out;
}

SeriesHeadOutput PatchTSMixerForPrediction::predict(const PatchTSMixerModelOutput& below,
                                                    const Tensor& future_values) const {
  const Tensor x_BCF = nn::dropout(flatten(below.last_hidden_state, 2, -1), config().head_dropout);
  return nn::series_prediction(head.base_forecast_block, x_BCF, {below.loc, below.scale}, future_values,
                               forecast_shape().predicted);
}

SeriesHeadOutput PatchTSMixerForPrediction::forward(const TimeSeriesInputs& in) const {
  PatchTSMixerModelOutput below = base.forward(in);
  SeriesHeadOutput out = predict(below, in.future_values);
  if (config().family())
    out.prediction_params = head.base_forecast_block.distribution.family->scaled(out.prediction_params, out.scale);
  take_hidden(out, std::move(below));
  return out;
}

ForecastShape PatchTSMixerForPrediction::forecast_shape() const {
  std::vector<int64_t> predicted = config().prediction_channel_indices.value_or(std::vector<int64_t>());
  std::sort(predicted.begin(), predicted.end());
  return {.past = config().context_length,
          .future = config().prediction_length,
          .channels = config().num_input_channels,
          .predicted = std::move(predicted)};
}

Tensor PatchTSMixerForPrediction::sample(const TimeSeriesInputs& in, int64_t samples, const DrawValues& draw) const {
  return nn::sample_prediction(head.base_forecast_block, predict(base.forward(in), {}), samples, draw);
}

SeriesHeadOutput PatchTSMixerForRegression::forward(const TimeSeriesInputs& in) const {
  PatchTSMixerModelOutput below = base.read(in, {}, false);  // the reference asks for no mask here
  const Tensor x_BF = target_features(below, head, config());
  SeriesHeadOutput out = nn::series_regression(head.head.projection, x_BF, in.target_values, config().output_range);
  take_hidden(out, std::move(below));
  return out;
}

SeriesHeadOutput PatchTSMixerForTimeSeriesClassification::forward(const TimeSeriesInputs& in) const {
  PatchTSMixerModelOutput below = base.read(in, {}, false);
  const Tensor x_BF = target_features(below, head, config());
  SeriesHeadOutput out;
  out.prediction_outputs =
      nn::series_regression(head.head.projection, x_BF, {}, config().output_range).regression_outputs;
  out.loss = nn::token_loss(out.prediction_outputs, in.target_values);
  take_hidden(out, std::move(below));
  return out;
}

}  // namespace imago::patchtsmixer

REGISTER_MODELS(patchtsmixer, PatchTSMixerModel, PatchTSMixerForPretraining, PatchTSMixerForPrediction,
                PatchTSMixerForRegression, PatchTSMixerForTimeSeriesClassification)
