// B batch, T steps of the past, P steps of the future, C channels, F features of a step, D hidden.
#include "imago/models/time_series_transformer/time_series_transformer.h"

#include <algorithm>
#include <numeric>

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/repeat/repeat.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::time_series_transformer {

void TimeSeriesTransformerConfig::validate() const {
  require_heads("d_model", d_model, "encoder_attention_heads", encoder_attention_heads);
  require_heads("d_model", d_model, "decoder_attention_heads", decoder_attention_heads);
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

std::vector<std::pair<int64_t, int64_t>> TimeSeriesTransformerConfig::categories() const {
  std::vector<std::pair<int64_t, int64_t>> sizes;
  for (size_t i = 0; i < static_cast<size_t>(num_static_categorical_features); ++i) {
    const int64_t values = cardinality->at(i);
    sizes.emplace_back(values,
                       embedding_dimension ? embedding_dimension->at(i) : std::min<int64_t>(50, (values + 1) / 2));
  }
  return sizes;
}

int64_t TimeSeriesTransformerConfig::features() const {
  int64_t count = input_size * static_cast<int64_t>(lags_sequence.size()) + num_dynamic_real_features +
                  num_time_features + num_static_real_features + 2 * input_size;
  for (const auto& [values, size] : categories()) count += size;
  return count;
}

nn::StackOptions TimeSeriesTransformerConfig::stack(bool decodes) const {
  return {.decodes = decodes,
          .hidden_size = d_model,
          .layers = decodes ? decoder_layers : encoder_layers,
          .heads = decodes ? decoder_attention_heads : encoder_attention_heads,
          .intermediate_size = decodes ? decoder_ffn_dim : encoder_ffn_dim,
          .activation = activation_function};
}

Stack::Stack(const TimeSeriesTransformerConfig& c, bool is_decoder)
    : EncoderDecoderStack(c.stack(is_decoder)),
      embed_positions(c.context() + c.prediction_length, c.d_model),
      layernorm_embedding(c.d_model, 1e-5),
      first_position(is_decoder ? c.context() : 0) {
  value_embedding.value_projection = nn::Linear(c.features(), c.d_model, false);
}

BaseModelOutput Stack::operator()(const TextInputs& in) const {
  const Tensor x_BTD = value_embedding.value_projection(in.inputs_embeds);
  const Tensor positions = nn::position_ids(in, x_BTD) + static_cast<double>(first_position);
  return run(layernorm_embedding(x_BTD + nn::position_embeddings(positions, embed_positions, "context_length")), in);
}

Tensor FeatureEmbedder::operator()(const Tensor& features) const {
  Tensors parts;
  for (size_t i = 0; i < embedders.size(); ++i)
    parts.push_back(embedders[i](select(features, 1, static_cast<int64_t>(i))));
  return concat(parts, 1);
}

TimeSeriesTransformerModel::TimeSeriesTransformerModel(const TimeSeriesTransformerConfig& c)
    : Backbone(c), encoder(c, false), decoder(c, true) {
  for (const auto& [values, size] : c.categories()) embedder.embedders.emplace_back(values, size);
}

NetworkInputs TimeSeriesTransformerModel::network_inputs(const TimeSeriesInputs& in) const {
  const TimeSeriesTransformerConfig& c = config();
  const bool forecasts = in.future_values.defined();
  if (!in.past_values || !in.past_time_features || (forecasts && !in.future_time_features)) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "a series or its time features are missing",
                "give past_values and past_time_features, and future_time_features with future_values");
  }
  const Tensor& past = in.past_values;
  const Tensor observed =
      in.past_observed_mask ? cast(in.past_observed_mask, past.dtype()) : Tensor::ones(past.shape(), past.dtype());
  NetworkInputs out;
  out.scale = nn::series_scale(c.scaling, slice(past, 1, -c.context()), slice(observed, 1, -c.context()));
  const Tensor values = forecasts ? concat({past, in.future_values}, 1) : past;
  const Tensor scaled = (values - out.scale.loc) / out.scale.scale;

  const int64_t past_length = c.context() + *std::max_element(c.lags_sequence.begin(), c.lags_sequence.end());
  Tensor time = slice(in.past_time_features, 1, past_length - c.context());
  if (forecasts) time = concat({time, in.future_time_features}, 1);
  const auto per_series = [&](const Tensor& x) { return x.dim() == 3 ? squeeze(x, 1) : x; };
  Tensors fixed = {log1p(abs(per_series(out.scale.loc))), log(per_series(out.scale.scale))};
  if (in.static_real_features) fixed.insert(fixed.begin(), in.static_real_features);
  if (in.static_categorical_features) fixed.insert(fixed.begin(), embedder(in.static_categorical_features));
  out.static_features = concat(fixed, 1);

  const int64_t steps = c.context() + (forecasts ? c.prediction_length : 0);
  const Tensor lags = nn::lagged(scaled, c.lags_sequence, steps);
  const Tensor every_step =
      expand(unsqueeze(out.static_features, 1), {lags.size(0), time.size(1), out.static_features.size(1)});
  out.steps_BTF = concat({reshape(lags, {lags.size(0), steps, -1}), every_step, time}, 2);
  return out;
}

Seq2SeqTimeSeriesOutput TimeSeriesTransformerModel::forward(const TimeSeriesInputs& in) const {
  const NetworkInputs network = network_inputs(in);
  const int64_t context = config().context(), steps = network.steps_BTF.size(1);
  TextInputs encoder_in, decoder_in;
  for (TextInputs* each : {&encoder_in, &decoder_in}) {
    each->output_hidden_states = in.output_hidden_states;
    each->output_attentions = in.output_attentions;
    each->attention = in.attention;
  }
  encoder_in.inputs_embeds = narrow(network.steps_BTF, 1, 0, context);
  BaseModelOutput encoded = encoder(encoder_in);
  const Shape& s = network.steps_BTF.shape();
  decoder_in.inputs_embeds = steps > context ? slice(network.steps_BTF, 1, context)
                                             : Tensor::zeros({s[0], 1, s[2]}, network.steps_BTF.dtype());
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
          .loc = network.scale.loc,
          .scale = network.scale.scale,
          .static_features = network.static_features};
}

Seq2SeqTimeSeriesOutput TimeSeriesTransformerForPrediction::forward(const TimeSeriesInputs& in) const {
  Seq2SeqTimeSeriesOutput out = base.forward(in);
  const Tensor state_BPD = std::exchange(out.last_hidden_state, {});
  if (!in.future_values) return out;
  const Tensors params = head(state_BPD);
  const Tensor likelihood = head.negative_log_likelihood(params, out.loc, out.scale, in.future_values);
  Tensor weights = in.future_observed_mask ? cast(in.future_observed_mask, likelihood.dtype())
                                           : Tensor::ones(in.future_values.shape(), likelihood.dtype());
  if (head.channels > 1) weights = amin(weights, {-1});
  out.loss = nn::weighted_average(likelihood, weights);
  out.params = head.family->scaled(params, out.scale);
  return out;
}

Tensor TimeSeriesTransformerForPrediction::sample(const TimeSeriesInputs& in, int64_t samples,
                                                  const DrawValues& draw) const {
  const TimeSeriesTransformerConfig& c = config();
  if (!in.future_time_features || in.future_time_features.size(1) != c.prediction_length || samples < 1) {
    throw Error(ErrorKind::kInvalidArgument, "sample", "future_time_features are not of prediction_length steps",
                "give them for every step of the future, and at least one sample");
  }
  TimeSeriesInputs past = in;
  past.future_values = {};
  const Seq2SeqTimeSeriesOutput heard = base.forward(past);
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
    const Tensor lagged = nn::lagged(series, lags, step + 1);
    decoder_in.inputs_embeds =
        concat({reshape(lagged, {lagged.size(0), step + 1, -1}), narrow(features, 1, 0, step + 1)}, 2);
    const Tensor state = base.decoder(decoder_in).last_hidden_state;
    values.push_back(draw(head.family->name, head(narrow(state, 1, step, 1)), loc, scale));
    series = concat({series, (values.back() - loc) / scale}, 1);
  }
  Shape shape = {in.past_values.size(0), samples, c.prediction_length};
  if (head.channels > 1) shape.push_back(head.channels);
  return reshape(concat(values, 1), shape);
}

}  // namespace imago::time_series_transformer

namespace imago {

void register_time_series_transformer(Registry& registry) {
  using namespace time_series_transformer;
  registry.add<TimeSeriesTransformerModel>("TimeSeriesTransformerModel");
  registry.add<TimeSeriesTransformerForPrediction>("TimeSeriesTransformerForPrediction");
}

}  // namespace imago
