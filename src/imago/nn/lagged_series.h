// Forecasting models that read a series as it was some steps before, beside features of the time and of the series.
// B batch, T steps of the past, P steps of the future, C channels, F features of a step, D hidden.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "imago/nn/backbone.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/distributions.h"
#include "imago/nn/heads/with_head.h"
#include "imago/nn/stack_config.h"
#include "imago/nn/time_series.h"

namespace imago::nn {

struct LaggedSeriesConfig : StackConfig, DropsByDefault {
  int64_t prediction_length = 0;
  std::optional<int64_t> context_length;  // prediction_length where absent
  std::string distribution_output = "student_t", loss = "nll";
  int64_t input_size = 1;
  std::vector<int64_t> lags_sequence = {1, 2, 3, 4, 5, 6, 7};
  JsonText scaling{"\"mean\""};
  int64_t num_dynamic_real_features = 0, num_static_categorical_features = 0, num_static_real_features = 0;
  int64_t num_time_features = 0;
  std::optional<std::vector<int64_t>> cardinality, embedding_dimension;
  int64_t num_parallel_samples = 100;
  JsonText feature_size;  // follows from the others
  FIELDS_AND(StackConfig, prediction_length, context_length, distribution_output, loss, input_size, lags_sequence,
             scaling, num_dynamic_real_features, num_static_categorical_features, num_static_real_features,
             num_time_features, cardinality, embedding_dimension, num_parallel_samples, feature_size)

  LaggedSeriesConfig() {
    d_model = 64;
    encoder_layers = decoder_layers = encoder_attention_heads = decoder_attention_heads = 2;
    encoder_ffn_dim = decoder_ffn_dim = 32;
    dropout = attention_dropout = activation_dropout = 0.1;
  }
  void validate() const override;
  std::vector<DroppedByDefault> dropped_by_default() const override {
    return {{"encoder_layerdrop", 0.1}, {"decoder_layerdrop", 0.1}};
  }
  int64_t context() const { return context_length.value_or(prediction_length); }
  int64_t past() const;  // steps that a model reads, with those that lags reach back to
  // Of the static categories: how many values each has, and the size of its embedding.
  std::vector<std::pair<int64_t, int64_t>> categories() const;
  int64_t lag_features() const { return input_size * static_cast<int64_t>(lags_sequence.size()); }
  int64_t features() const;
  ForecastShape forecast_shape() const;
};

struct ValueEmbedding : Module {
  Linear value_projection;
  FIELDS(value_projection)
};

// Features of a step in the place of words; positions are those of the context, then of the prediction.
struct StepEmbedding : Module {
  ValueEmbedding value_embedding;
  Embedding embed_positions;
  LayerNorm layernorm_embedding;
  FIELDS(value_embedding, embed_positions, layernorm_embedding)

  explicit StepEmbedding(const LaggedSeriesConfig& c);
  // [B, T, F] -> [B, T, D], the first at this position.
  Tensor operator()(const Tensor& steps_BTF, int64_t first_position) const;
};

struct FeatureEmbedder : Module {
  std::vector<Embedding> embedders;
  FIELDS(embedders)

  explicit FeatureEmbedder(const LaggedSeriesConfig& c);
  Tensor operator()(const Tensor& features) const;
};

// What the stacks read of each step from the beginning of the context, and what it was made with.
struct LaggedSteps {
  Tensor lags_BTF;      // of the past, and of the future where it is known
  Tensor features_BTF;  // of the series and of the time
  SeriesScale scale;
  Tensor static_features;  // [B, F]
};

// Throws Error kInvalidArgument where a series, or features of its time, are missing.
LaggedSteps lagged_steps(const LaggedSeriesConfig& c, const FeatureEmbedder& embedder, const TimeSeriesInputs& in);

using StackFunction = std::function<BaseModelOutput(const TextInputs& in)>;

// The encoder reads the context; the decoder what is known of the future, or a step of zeros.
Seq2SeqTimeSeriesOutput encode_and_decode(const LaggedSeriesConfig& c, const LaggedSteps& steps,
                                          const TimeSeriesInputs& in, const StackFunction& encoder,
                                          const StackFunction& decoder);

// The distribution of the future, out of the decoder's state [B, P, D], with its loss; `out` has loc and scale.
void predict_distribution(Seq2SeqTimeSeriesOutput& out, const Tensor& state_BPD, const DistributionHead& head,
                          const TimeSeriesInputs& in);

// Throws Error kInvalidArgument unless the future's features are there.
void require_future_features(const LaggedSeriesConfig& c, const TimeSeriesInputs& in, int64_t samples);
// [B * samples, P] or [B * samples, P, C] -> [B, samples, ...]
Tensor by_sample(const Tensor& values, int64_t samples);
// Value by value: each is drawn, and the next follows from it. `heard` is what the model made of the past.
Tensor sample_step_by_step(const LaggedSeriesConfig& c, const TimeSeriesInputs& in,
                           const Seq2SeqTimeSeriesOutput& heard, const StackFunction& decoder,
                           const DistributionHead& head, int64_t samples, const DrawValues& draw);

// Two stacks, each made of the configuration and whether it decodes.
template <class C, class StackType>
struct LaggedEncoderDecoder : Backbone<C, Seq2SeqTimeSeriesModel> {
  static constexpr FieldName kBaseModelPrefix = "model";
  FeatureEmbedder embedder;
  StackType encoder, decoder;
  FIELDS(embedder, encoder, decoder)

  explicit LaggedEncoderDecoder(const C& c)
      : Backbone<C, Seq2SeqTimeSeriesModel>(c), embedder(c), encoder(c, false), decoder(c, true) {}
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  Seq2SeqTimeSeriesOutput forward(const TimeSeriesInputs& in) const override {
    const C& c = this->config();
    return encode_and_decode(
        c, lagged_steps(c, embedder, in), in, [&](const TextInputs& x) { return encoder(x); },
        [&](const TextInputs& x) { return decoder(x); });
  }
};

template <class Base>
struct LaggedForPrediction : WithHead<Seq2SeqTimeSeriesPrediction, Base, DistributionHead, "parameter_projection"> {
  using LaggedForPrediction::WithHead::WithHead;
  Seq2SeqTimeSeriesOutput forward(const TimeSeriesInputs& in) const override {
    Seq2SeqTimeSeriesOutput out = this->base.forward(in);
    const Tensor state = std::exchange(out.last_hidden_state, {});
    if (in.future_values) predict_distribution(out, state, this->head, in);
    return out;
  }
  ForecastShape forecast_shape() const override { return this->base.config().forecast_shape(); }
  Tensor sample(const TimeSeriesInputs& in, int64_t samples, const DrawValues& draw) const override {
    require_future_features(this->base.config(), in, samples);
    TimeSeriesInputs past = in;
    past.future_values = {};
    return sample_step_by_step(
        this->base.config(), in, this->base.forward(past), [&](const TextInputs& x) { return this->base.decoder(x); },
        this->head, samples, draw);
  }
};

}  // namespace imago::nn
