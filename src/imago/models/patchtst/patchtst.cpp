// B batch, T steps, C channels, N patches, L steps of a patch, D hidden, P steps of the future.
#include "imago/models/patchtst/patchtst.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::patchtst {
namespace {

// [B, C, N, D] -> [B, C, D], or as it is where nothing pools.
Tensor pooled(const Tensor& x_BCND, const PatchTSTConfig& c) {
  if (c.use_cls_token) return select(x_BCND, 2, 0);
  if (c.pooling_type == "mean") return mean(x_BCND, {2});
  if (c.pooling_type == "max") return max(x_BCND, 2).values;
  return x_BCND;
}

}  // namespace

void PatchTSTConfig::validate() const {
  require_heads("d_model", d_model, "num_attention_heads", num_attention_heads);
  const auto refuse = [](bool wrong, ErrorKind kind, const std::string& what) {
    if (wrong) throw Error(kind, "config.json", what);
  };
  refuse(context_length <= patch_length || patch_length < 1 || patch_stride < 1, ErrorKind::kInvalidFile,
         "context_length is not above patch_length, or patch_length or patch_stride below 1");
  refuse(norm_type != "batchnorm" && norm_type != "layernorm", ErrorKind::kUnsupported, "norm_type " + norm_type);
  refuse(pooling_type && pooling_type != "mean" && pooling_type != "max", ErrorKind::kUnsupported,
         "pooling_type " + pooling_type.value_or(""));
  refuse(!share_projection, ErrorKind::kUnsupported, "share_projection false, which the reference cannot compute");
  refuse(loss && loss != "mse" && loss != "nll", ErrorKind::kUnsupported, "loss " + loss.value_or(""));
  refuse(output_range && output_range->size() != 2, ErrorKind::kInvalidFile, "output_range is not two numbers");
}

Layer::Layer(const PatchTSTConfig& c, int64_t index)
    : self_attn({.hidden_size = c.d_model, .heads = c.num_attention_heads, .layer = index}),
      norm_sublayer1(c.norm_type, c.d_model, c.norm_eps),
      norm_sublayer3(c.norm_type, c.d_model, c.norm_eps),
      up(c.d_model, c.ffn_dim, c.bias),
      down(c.ffn_dim, c.d_model, c.bias),
      activation(nn::activation(c.activation_function)),
      norm_first(c.pre_norm),
      path_dropout(c.path_dropout),
      ff_dropout(c.ff_dropout) {
  if (c.channel_attention) norm_sublayer2.emplace(c.norm_type, c.d_model, c.norm_eps);
}

void Layer::each_field(FieldVisitor& visitor) {
  imago::internal::visit_field(visitor, "self_attn", self_attn);
  imago::internal::visit_field(visitor, "norm_sublayer1", norm_sublayer1);
  imago::internal::visit_field(visitor, "norm_sublayer2", norm_sublayer2);
  imago::internal::visit_field(visitor, "ff.0", up);
  imago::internal::visit_field(visitor, "ff.3", down);
  imago::internal::visit_field(visitor, "norm_sublayer3", norm_sublayer3);
}

// Attention over time in each channel, then between channels at each time, then a layer by itself.
Tensor Layer::operator()(const Tensor& x_BCND, const nn::AttentionContext& context) const {
  const Shape& s = x_BCND.shape();
  const auto add = [&](const Tensor& x, const nn::PatchNorm& norm, const auto& body) {
    return norm_first ? x + nn::dropout(body(norm(x)), path_dropout) : norm(x + nn::dropout(body(x), path_dropout));
  };
  Tensor x = add(reshape(x_BCND, {s[0] * s[1], s[2], s[3]}), norm_sublayer1,
                 [&](const Tensor& y) { return self_attn(y, context); });
  if (norm_sublayer2) {
    nn::AttentionContext between = context;
    between.weights = nullptr;
    x = reshape(transpose(reshape(x, s), 1, 2), {s[0] * s[2], s[1], s[3]});
    x = add(x, *norm_sublayer2, [&](const Tensor& y) { return self_attn(y, between); });
    x = reshape(transpose(reshape(x, {s[0], s[2], s[1], s[3]}), 1, 2), {s[0] * s[1], s[2], s[3]});
  }
  x = add(x, norm_sublayer3, [&](const Tensor& y) { return down(nn::dropout(activation(up(y)), ff_dropout)); });
  return reshape(x, s);
}

Encoder::Encoder(const PatchTSTConfig& c)
    : embedder(c.share_embedding ? 0 : c.num_input_channels, c.patch_length, c.d_model),
      positional_encoder(c.patches(), c.d_model, c.use_cls_token) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

WeightMap PatchTSTModel::weight_map() const { return {.base_model_prefix = "model"}; }

PatchTSTModelOutput PatchTSTModel::read(const TimeSeriesInputs& in, bool hides) const {
  const PatchTSTConfig& c = config();
  const Tensor& past = in.past_values;
  if (!past || past.dim() != 3 || past.size(1) != c.context_length || past.size(2) != c.num_input_channels) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("past_values are {}, and the model takes [batch, {}, {}]",
                            past ? past.describe() : "missing", c.context_length, c.num_input_channels));
  }
  const Tensor observed =
      in.past_observed_mask ? cast(in.past_observed_mask, past.dtype()) : Tensor::ones(past.shape(), past.dtype());
  const nn::SeriesScale scale = nn::series_scale(c.scaling, past, observed);
  PatchTSTModelOutput out;
  out.loc = scale.loc;
  out.scale = scale.scale;
  out.patch_input = nn::series_patches((past - scale.loc) / scale.scale, c.patch_length, c.patch_stride);
  Tensor shown = out.patch_input;
  if (hides) {
    const nn::HiddenPatchOptions options = nn::hidden_patch_options(c);
    nn::validate(options, c.patches());
    out.mask = nn::draw_hidden_patches(shown.shape(), options);
    shown = nn::hide_patches(shown, out.mask, c.mask_value);
    out.mask = cast(out.mask, DType::boolean);
  }
  nn::Recorder record(in);
  nn::AttentionContext context;
  context.implementation = in.attention;
  context.weights = record.attentions();
  const nn::AttentionDropout attention_dropout(c.attention_dropout);
  Tensor x_BCND = encoder.positional_encoder(encoder.embedder(shown), c.positional_dropout);
  for (const Layer& layer : encoder.layers) x_BCND = layer(record(x_BCND), context);
  out.last_hidden_state = x_BCND;
  BaseModelOutput states = record.finish(x_BCND);
  if (!states.hidden_states.empty()) states.hidden_states.pop_back();  // those that go into the layers only
  take_states(out, std::move(states));
  return out;
}

HiddenPatchOutput PatchTSTForPretraining::forward(const TimeSeriesInputs& in) const {
  PatchTSTModelOutput below = base.read(in, true);
  HiddenPatchOutput out;
  out.prediction_output = slice(head.linear(nn::dropout(below.last_hidden_state, config().head_dropout)), 2,
                                config().use_cls_token ? 1 : 0);
  out.loss = nn::hidden_patch_loss(out.prediction_output, below.patch_input, below.mask);
  take_states(out, std::move(below));
  return out;
}

PredictionHead::PredictionHead(const PatchTSTConfig& c)
    : projection(c.family(), c.d_model * (c.pooling_type || c.use_cls_token ? 1 : c.patches()), c.prediction_length) {}

SeriesHeadOutput PatchTSTForPrediction::predict(PatchTSTModelOutput& below, const Tensor& future_values) const {
  const Tensor x_BCF = nn::dropout(flatten(pooled(below.last_hidden_state, config()), 2, -1), config().head_dropout);
  return nn::series_prediction(head.projection, x_BCF, {below.loc, below.scale}, future_values);
}

SeriesHeadOutput PatchTSTForPrediction::forward(const TimeSeriesInputs& in) const {
  PatchTSTModelOutput below = base.read(in, false);
  SeriesHeadOutput out = predict(below, in.future_values);
  take_states(out, std::move(below));
  if (config().family() && in.future_values)
    out.prediction_params = head.projection.distribution.family->scaled(out.prediction_params, out.scale);
  return out;
}

ForecastShape PatchTSTForPrediction::forecast_shape() const {
  return {
      .past = config().context_length, .future = config().prediction_length, .channels = config().num_input_channels};
}

Tensor PatchTSTForPrediction::sample(const TimeSeriesInputs& in, int64_t samples, const DrawValues& draw) const {
  PatchTSTModelOutput below = base.read(in, false);
  return nn::sample_prediction(head.projection, predict(below, {}), samples, draw);
}

SeriesHeadOutput PatchTSTForRegression::forward(const TimeSeriesInputs& in) const {
  PatchTSTModelOutput below = base.read(in, false);
  const Tensor x_BF = nn::dropout(flatten(pooled(below.last_hidden_state, config()), 1, -1), config().head_dropout);
  SeriesHeadOutput out = nn::series_regression(head.projection, x_BF, in.target_values, config().output_range);
  take_states(out, std::move(below));
  return out;
}

SeriesHeadOutput PatchTSTForClassification::forward(const TimeSeriesInputs& in) const {
  PatchTSTModelOutput below = base.read(in, false);
  const Tensor x_BF = nn::dropout(flatten(pooled(below.last_hidden_state, config()), 1, -1), config().head_dropout);
  SeriesHeadOutput out;
  out.prediction_logits = head.linear(x_BF);
  out.loss = nn::token_loss(out.prediction_logits, in.target_values);
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::patchtst

REGISTER_MODELS(patchtst, PatchTSTModel, PatchTSTForPretraining, PatchTSTForPrediction, PatchTSTForRegression,
                PatchTSTForClassification)
