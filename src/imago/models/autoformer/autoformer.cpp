// B batch, T steps, P steps of the future, F features of a step, D hidden.
#include "imago/models/autoformer/autoformer.h"

#include "imago/base/error.h"
#include "imago/nn/keep_finite.h"
#include "imago/nn/registry.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/repeat/repeat.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::autoformer {
void AutoformerConfig::validate() const {
  LaggedSeriesConfig::validate();
  const auto refuse = [](bool wrong, const char* what) {
    if (wrong) throw Error(ErrorKind::kInvalidFile, "config.json", what);
  };
  refuse(moving_average < 1 || moving_average % 2 == 0, "moving_average is not odd, so that it has no middle");
  refuse(label_length < 1 || label_length > context(), "label_length is not from 1 to context_length");
  refuse(autocorrelation_factor < 1, "autocorrelation_factor is below 1");
}

Tensor SeasonalNorm::operator()(const Tensor& x_BTD) const {
  const Tensor normed = layernorm(x_BTD);
  return normed - mean(normed, {1}, true);
}

Layer::Layer(const AutoformerConfig& c, bool is_decoder)
    : self_attn(c.d_model, is_decoder ? c.decoder_attention_heads : c.encoder_attention_heads,
                c.autocorrelation_factor),
      self_attn_layer_norm(c.d_model, 1e-5),
      fc1(c.d_model, is_decoder ? c.decoder_ffn_dim : c.encoder_ffn_dim),
      fc2(is_decoder ? c.decoder_ffn_dim : c.encoder_ffn_dim, c.d_model),
      final_layer_norm(c.d_model),
      activation(nn::activation(c.activation_function)),
      moving_average(c.moving_average),
      dropped(c.dropout),
      activation_dropped(c.activation_dropout) {
  if (!is_decoder) return;
  encoder_attn.emplace(c.d_model, c.decoder_attention_heads, c.autocorrelation_factor);
  encoder_attn_layer_norm = nn::LayerNorm(c.d_model, 1e-5);
  trend_projection = nn::Conv1d(c.d_model, c.features(), 3, {.bias = false});
}

Tensor Layer::encode(const Tensor& x_BTD, Tensors* weights) const {
  const Tensor attended = self_attn_layer_norm(x_BTD + drop(self_attn(x_BTD, x_BTD, weights)));
  const Tensor h_BTD = nn::decompose_series(attended, moving_average).seasonal;
  return nn::keep_finite(final_layer_norm(nn::decompose_series(h_BTD + feed_forward(h_BTD), moving_average).seasonal));
}

Tensor Layer::decode(const Tensor& x_BTD, const Tensor& encoded, Tensor& trend, Tensors* weights,
                     Tensors* cross) const {
  const nn::Decomposed first = nn::decompose_series(x_BTD + drop(self_attn(x_BTD, x_BTD, weights)), moving_average);
  Tensor h_BTD = self_attn_layer_norm(first.seasonal);
  const nn::Decomposed second =
      nn::decompose_series(h_BTD + drop((*encoder_attn)(h_BTD, encoded, cross)), moving_average);
  h_BTD = encoder_attn_layer_norm(second.seasonal);
  const nn::Decomposed third = nn::decompose_series(h_BTD + feed_forward(h_BTD), moving_average);
  const Tensor sum_BDT = transpose(first.trend + second.trend + third.trend, 1, 2);
  const Tensor around = concat({narrow(sum_BDT, 2, sum_BDT.size(2) - 1, 1), sum_BDT, narrow(sum_BDT, 2, 0, 1)}, 2);
  trend = trend + transpose(trend_projection(around), 1, 2);
  return final_layer_norm(third.seasonal);
}

Encoder::Encoder(const AutoformerConfig& c, bool decodes) : embedding(c) {
  for (int64_t i = 0; i < (decodes ? c.decoder_layers : c.encoder_layers); ++i) layers.emplace_back(c, decodes);
}

void Encoder::each_field(FieldVisitor& visitor) {
  embedding.each_field(visitor);
  imago::internal::visit_field(visitor, "layers", layers);
}

void Decoder::each_field(FieldVisitor& visitor) {
  Encoder::each_field(visitor);
  imago::internal::visit_field(visitor, "seasonality_projection", seasonality_projection);
}

Seq2SeqTimeSeriesOutput AutoformerModel::encode(const nn::LaggedSteps& steps, const TimeSeriesInputs& in) const {
  const int64_t context = config().context();
  nn::Recorder record(in);
  Tensor x_BTD = encoder.embedding(
      concat({narrow(steps.lags_BTF, 1, 0, context), narrow(steps.features_BTF, 1, 0, context)}, 2), 0);
  x_BTD = nn::dropout(x_BTD, config().dropout);
  for (const Layer& layer : encoder.layers) x_BTD = layer.encode(record(x_BTD), record.attentions());
  BaseModelOutput encoded = record.finish(x_BTD);
  return {.encoder_last_hidden_state = std::move(encoded.last_hidden_state),
          .encoder_hidden_states = std::move(encoded.hidden_states),
          .encoder_attentions = std::move(encoded.attentions),
          .loc = steps.scale.loc,
          .scale = steps.scale.scale,
          .static_features = steps.static_features};
}

void AutoformerModel::decode(Seq2SeqTimeSeriesOutput& out, const Tensor& lags_BTF, const Tensor& features_BTF,
                             const TimeSeriesInputs& in) const {
  const AutoformerConfig& c = config();
  const int64_t begin = c.context() - c.label_length;
  const nn::Decomposed past = nn::decompose_series(lags_BTF, c.moving_average);
  const Shape ahead = {lags_BTF.size(0), c.prediction_length, lags_BTF.size(2)};
  // The end of the context, then zeros for the seasons and the mean for the trend of what is to come.
  const auto with_future = [&](const Tensor& x, const Tensor& future) {
    return concat({concat({slice(x, 1, begin), future}, 1), slice(features_BTF, 1, begin)}, 2);
  };
  Tensor trend = with_future(past.trend, expand(mean(lags_BTF, {1}, true), ahead));
  nn::Recorder record(in);
  Tensor x_BTD = decoder.embedding(with_future(past.seasonal, Tensor::zeros(ahead, lags_BTF.dtype())), begin);
  x_BTD = nn::dropout(x_BTD, c.dropout);
  for (const Layer& layer : decoder.layers) {
    x_BTD = layer.decode(record(x_BTD), out.encoder_last_hidden_state, trend, record.attentions(),
                         record.cross_attentions());
  }
  BaseModelOutput decoded = record.finish(decoder.seasonality_projection(x_BTD));
  out.last_hidden_state = std::move(decoded.last_hidden_state);
  out.trend = std::move(trend);
  out.decoder_hidden_states = std::move(decoded.hidden_states);
  out.decoder_attentions = std::move(decoded.attentions);
  out.cross_attentions = std::move(decoded.cross_attentions);
}

Seq2SeqTimeSeriesOutput AutoformerModel::forward(const TimeSeriesInputs& in) const {
  if (in.decoder_attention_mask) {
    throw Error(ErrorKind::kUnsupported, "forward", "decoder_attention_mask",
                "correlations have no mask; the reference takes none here either");
  }
  const nn::LaggedSteps steps = nn::lagged_steps(config(), embedder, in);
  Seq2SeqTimeSeriesOutput out = encode(steps, in);
  if (in.future_values) decode(out, narrow(steps.lags_BTF, 1, 0, config().context()), steps.features_BTF, in);
  return out;
}

Tensor AutoformerForPrediction::future_state(Seq2SeqTimeSeriesOutput& out) const {
  const Tensor all = std::exchange(out.last_hidden_state, {}) + std::exchange(out.trend, {});
  return slice(all, 1, all.size(1) - config_of().prediction_length);
}

Seq2SeqTimeSeriesOutput AutoformerForPrediction::forward(const TimeSeriesInputs& in) const {
  Seq2SeqTimeSeriesOutput out = base.forward(in);
  if (in.future_values) {
    const Tensor state = future_state(out);
    nn::predict_distribution(out, state, head, in);
  }
  return out;
}

Tensor AutoformerForPrediction::sample(const TimeSeriesInputs& in, int64_t samples, const DrawValues& draw) const {
  nn::require_future_features(config_of(), in, samples);
  TimeSeriesInputs past = in;
  past.future_values = {};
  const nn::LaggedSteps steps = nn::lagged_steps(config_of(), base.embedder, past);
  const Shape& s = in.future_time_features.shape();
  const Tensor fixed = expand(unsqueeze(steps.static_features, 1), {s[0], s[1], steps.static_features.size(1)});
  const Tensor features = concat({steps.features_BTF, concat({fixed, in.future_time_features}, 2)}, 1);
  Seq2SeqTimeSeriesOutput out = base.encode(steps, past);
  // Each sample is a row of its own from here: rows take delays from others (see rolled).
  const auto every_sample = [&](const Tensor& x) { return repeat_interleave(x, samples, 0); };
  for (Tensor* each : {&out.encoder_last_hidden_state, &out.loc, &out.scale}) *each = every_sample(*each);
  base.decode(out, every_sample(steps.lags_BTF), every_sample(features), past);
  return nn::by_sample(draw(head.family->name, head(future_state(out)), out.loc, out.scale), samples);
}

}  // namespace imago::autoformer

REGISTER_MODELS(autoformer, AutoformerModel, AutoformerForPrediction)
