#include "imago/nn/lagged_series.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/repeat/repeat.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {

void LaggedSeriesConfig::validate() const {
  StackConfig::validate();
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw Error(ErrorKind::kInvalidFile, "config.json", what);
  };
  require(prediction_length > 0 && context() > 0, "prediction_length and context_length are at least 1");
  require(!lags_sequence.empty() && input_size > 0, "lags_sequence is empty, or input_size below 1");
  if (loss != "nll") throw Error(ErrorKind::kUnsupported, "config.json", "loss is \"" + loss + "\"", "nll is known");
  if (num_static_categorical_features == 0) return;
  const auto fits = [&](const auto& list) {
    return list && static_cast<int64_t>(list->size()) == num_static_categorical_features;
  };
  require(fits(cardinality), "cardinality has not one number per static categorical feature");
  require(!embedding_dimension || fits(embedding_dimension), "embedding_dimension has not one per feature either");
}

int64_t LaggedSeriesConfig::past() const {
  return context() + *std::max_element(lags_sequence.begin(), lags_sequence.end());
}

std::vector<std::pair<int64_t, int64_t>> LaggedSeriesConfig::categories() const {
  std::vector<std::pair<int64_t, int64_t>> sizes;
  for (size_t i = 0; i < static_cast<size_t>(num_static_categorical_features); ++i) {
    const int64_t values = cardinality->at(i);
    sizes.emplace_back(values,
                       embedding_dimension ? embedding_dimension->at(i) : std::min<int64_t>(50, (values + 1) / 2));
  }
  return sizes;
}

int64_t LaggedSeriesConfig::features() const {
  int64_t count =
      lag_features() + num_dynamic_real_features + num_time_features + num_static_real_features + 2 * input_size;
  for (const auto& [values, size] : categories()) count += size;
  return count;
}

ForecastShape LaggedSeriesConfig::forecast_shape() const {
  return {.past = past(),
          .future = prediction_length,
          .channels = input_size,
          .time_features = num_time_features + num_dynamic_real_features,
          .static_categories = num_static_categorical_features,
          .static_reals = num_static_real_features,
          .flat = input_size == 1};
}

StepEmbedding::StepEmbedding(const LaggedSeriesConfig& c)
    : embed_positions(c.context() + c.prediction_length, c.d_model), layernorm_embedding(c.d_model, 1e-5) {
  value_embedding.value_projection = Linear(c.features(), c.d_model, false);
}

Tensor StepEmbedding::operator()(const Tensor& steps_BTF, int64_t first_position) const {
  const Tensor x_BTD = value_embedding.value_projection(steps_BTF);
  const auto first = static_cast<double>(first_position);
  const Tensor positions =
      unsqueeze(Tensor::arange(first, first + static_cast<double>(x_BTD.size(1)), 1, DType::i64), 0);
  return layernorm_embedding(x_BTD + position_embeddings(positions, embed_positions, "context_length"));
}

FeatureEmbedder::FeatureEmbedder(const LaggedSeriesConfig& c) {
  for (const auto& [values, size] : c.categories()) embedders.emplace_back(values, size);
}

Tensor FeatureEmbedder::operator()(const Tensor& features) const {
  Tensors parts;
  for (size_t i = 0; i < embedders.size(); ++i)
    parts.push_back(embedders[i](select(features, 1, static_cast<int64_t>(i))));
  return concat(parts, 1);
}

LaggedSteps lagged_steps(const LaggedSeriesConfig& c, const FeatureEmbedder& embedder, const TimeSeriesInputs& in) {
  const bool forecasts = in.future_values.defined();
  if (!in.past_values || !in.past_time_features || (forecasts && !in.future_time_features)) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "a series or its time features are missing",
                "give past_values and past_time_features, and future_time_features with future_values");
  }
  const Tensor& past = in.past_values;
  const Tensor observed =
      in.past_observed_mask ? cast(in.past_observed_mask, past.dtype()) : Tensor::ones(past.shape(), past.dtype());
  LaggedSteps out;
  out.scale = series_scale(c.scaling, slice(past, 1, -c.context()), slice(observed, 1, -c.context()));
  const Tensor values = forecasts ? concat({past, in.future_values}, 1) : past;
  const Tensor scaled = (values - out.scale.loc) / out.scale.scale;

  Tensor time = slice(in.past_time_features, 1, c.past() - c.context());
  if (forecasts) time = concat({time, in.future_time_features}, 1);
  const auto per_series = [&](const Tensor& x) { return x.dim() == 3 ? squeeze(x, 1) : x; };
  Tensors fixed = {log1p(abs(per_series(out.scale.loc))), log(per_series(out.scale.scale))};
  if (in.static_real_features) fixed.insert(fixed.begin(), in.static_real_features);
  if (in.static_categorical_features) fixed.insert(fixed.begin(), embedder(in.static_categorical_features));
  out.static_features = concat(fixed, 1);

  const int64_t steps = c.context() + (forecasts ? c.prediction_length : 0);
  const Tensor lags = lagged(scaled, c.lags_sequence, steps);
  out.lags_BTF = reshape(lags, {lags.size(0), steps, -1});
  const Tensor every_step =
      expand(unsqueeze(out.static_features, 1), {lags.size(0), time.size(1), out.static_features.size(1)});
  out.features_BTF = concat({every_step, time}, 2);
  return out;
}

Seq2SeqTimeSeriesOutput encode_and_decode(const LaggedSeriesConfig& c, const LaggedSteps& steps,
                                          const TimeSeriesInputs& in, const StackFunction& encoder,
                                          const StackFunction& decoder) {
  const Tensor steps_BTF = concat({steps.lags_BTF, steps.features_BTF}, 2);
  const int64_t context = c.context();
  TextInputs encoder_in, decoder_in;
  for (TextInputs* each : {&encoder_in, &decoder_in}) {
    each->output_hidden_states = in.output_hidden_states;
    each->output_attentions = in.output_attentions;
    each->attention = in.attention;
  }
  encoder_in.inputs_embeds = narrow(steps_BTF, 1, 0, context);
  BaseModelOutput encoded = encoder(encoder_in);
  const Shape& s = steps_BTF.shape();
  decoder_in.inputs_embeds =
      s[1] > context ? slice(steps_BTF, 1, context) : Tensor::zeros({s[0], 1, s[2]}, steps_BTF.dtype());
  decoder_in.attention_mask = in.decoder_attention_mask;
  decoder_in.encoder_hidden_states = encoded.last_hidden_state;
  BaseModelOutput decoded = decoder(decoder_in);
  return {.last_hidden_state = std::move(decoded.last_hidden_state),
          .decoder_hidden_states = std::move(decoded.hidden_states),
          .decoder_attentions = std::move(decoded.attentions),
          .cross_attentions = std::move(decoded.cross_attentions),
          .encoder_last_hidden_state = std::move(encoded.last_hidden_state),
          .encoder_hidden_states = std::move(encoded.hidden_states),
          .encoder_attentions = std::move(encoded.attentions),
          .loc = steps.scale.loc,
          .scale = steps.scale.scale,
          .static_features = steps.static_features};
}

void predict_distribution(Seq2SeqTimeSeriesOutput& out, const Tensor& state_BPD, const DistributionHead& head,
                          const TimeSeriesInputs& in) {
  const Tensors params = head(state_BPD);
  const Tensor likelihood = head.negative_log_likelihood(params, out.loc, out.scale, in.future_values);
  Tensor weights = in.future_observed_mask ? cast(in.future_observed_mask, likelihood.dtype())
                                           : Tensor::ones(in.future_values.shape(), likelihood.dtype());
  if (head.channels > 1) weights = amin(weights, {-1});
  out.loss = weighted_average(likelihood, weights);
  out.params = head.family->scaled(params, out.scale);
}

void require_future_features(const LaggedSeriesConfig& c, const TimeSeriesInputs& in, int64_t samples) {
  if (in.future_time_features && in.future_time_features.size(1) == c.prediction_length && samples > 0) return;
  throw Error(ErrorKind::kInvalidArgument, "sample", "future_time_features are not of prediction_length steps",
              "give them for every step of the future, and at least one sample");
}

Tensor by_sample(const Tensor& values, int64_t samples) {
  Shape shape = {values.size(0) / samples, samples};
  for (int64_t dim = 1; dim < values.dim(); ++dim) shape.push_back(values.size(dim));
  return reshape(values, shape);
}

Tensor sample_step_by_step(const LaggedSeriesConfig& c, const TimeSeriesInputs& in,
                           const Seq2SeqTimeSeriesOutput& heard, const StackFunction& decoder,
                           const DistributionHead& head, int64_t samples, const DrawValues& draw) {
  const auto every_sample = [&](const Tensor& x) { return repeat_interleave(x, samples, 0); };
  const Tensor loc = every_sample(heard.loc), scale = every_sample(heard.scale);
  const Shape& s = in.future_time_features.shape();
  const Tensor fixed = expand(unsqueeze(heard.static_features, 1), {s[0], s[1], heard.static_features.size(1)});
  const Tensor features = every_sample(concat({fixed, in.future_time_features}, 2));
  TextInputs decoder_in;
  decoder_in.encoder_hidden_states = every_sample(heard.encoder_last_hidden_state);
  decoder_in.attention = in.attention;
  std::vector<int64_t> lags = c.lags_sequence;
  for (int64_t& lag : lags) --lag;
  Tensor series = (every_sample(in.past_values) - loc) / scale;
  Tensors values;
  for (int64_t step = 0; step < c.prediction_length; ++step) {
    const Tensor lagged_values = lagged(series, lags, step + 1);
    decoder_in.inputs_embeds =
        concat({reshape(lagged_values, {lagged_values.size(0), step + 1, -1}), narrow(features, 1, 0, step + 1)}, 2);
    const Tensor state = decoder(decoder_in).last_hidden_state;
    values.push_back(draw(head.family->name, head(narrow(state, 1, step, 1)), loc, scale));
    series = concat({series, (values.back() - loc) / scale}, 1);
  }
  return by_sample(concat(values, 1), samples);
}

}  // namespace imago::nn
