// What forecasting models share: inputs, outputs, scaling, lags. B batch, T steps of the past, P steps of the future,
// C channels (a dimension that is not there where there is one), D hidden.
#pragma once

#include <functional>
#include <string_view>

#include "imago/nn/model.h"

namespace imago {

// The inputs of forecasting models; each says which it takes.
struct TimeSeriesInputs {
  Tensor past_values;                   // [B, T] or [B, T, C]
  Tensor past_time_features;            // [B, T, features] what is known of the time, and stands for positions
  Tensor past_observed_mask;            // as past_values: 0 where a value is missing
  Tensor static_categorical_features;   // [B, features] int64
  Tensor static_real_features;          // [B, features]
  Tensor future_values;                 // [B, P] or [B, P, C]: gives a loss
  Tensor future_time_features;          // [B, P, features]
  Tensor future_observed_mask;          // as future_values
  Tensor observed_mask, target_values;  // of models that take no past and future
  Tensor decoder_attention_mask;        // [B, P]
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  FIELDS(past_values, past_time_features, past_observed_mask, static_categorical_features, static_real_features,
         future_values, future_time_features, future_observed_mask, observed_mask, target_values,
         decoder_attention_mask)
};

// Of an encoder and decoder over a series.
struct Seq2SeqTimeSeriesOutput {
  Tensor loss;
  Tensors params;            // of the distribution of each future value, [B, P] or [B, P, C] each
  Tensor last_hidden_state;  // of the decoder, from a model without a head
  Tensors decoder_hidden_states, decoder_attentions, cross_attentions;
  Tensor encoder_last_hidden_state;
  Tensors encoder_hidden_states, encoder_attentions;
  Tensor loc, scale;       // by which values were moved and divided
  Tensor static_features;  // [B, features]
  Tensor trend;            // [B, P, features], of a model that decomposes a series
  FIELDS(loss, params, last_hidden_state, decoder_hidden_states, decoder_attentions, cross_attentions,
         encoder_last_hidden_state, encoder_hidden_states, encoder_attentions, loc, scale, static_features, trend)
};

struct Seq2SeqTimeSeriesModel : CallableModel<TimeSeriesInputs, Seq2SeqTimeSeriesOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};

// A value drawn from a distribution whose parameters these are, moved to loc and scale.
using DrawValues =
    std::function<Tensor(std::string_view family, const Tensors& params, const Tensor& loc, const Tensor& scale)>;

// What a forecast is made from, and how much of the future it says.
struct ForecastShape {
  int64_t past = 0, future = 0;  // steps
  int64_t channels = 1;
  int64_t time_features = 0;                        // of each step
  int64_t static_categories = 0, static_reals = 0;  // of each series
  std::vector<int64_t> predicted;                   // channels that are predicted; all where empty
  bool flat = false;                                // series of one channel are [B, T]
};

// A model that says what comes after a series.
struct SeriesForecaster {
  virtual ~SeriesForecaster() = default;
  virtual ForecastShape forecast_shape() const = 0;
  // Futures that may come, [B, samples, P] or [B, samples, P, C]. Where values come one by one, each follows from those
  // drawn before it. Without a distribution all samples are the same.
  virtual Tensor sample(const TimeSeriesInputs& inputs, int64_t samples, const DrawValues& draw) const = 0;
};

// With a distribution of the future. The reference has the auto class for other models only.
struct Seq2SeqTimeSeriesPrediction : CallableModel<TimeSeriesInputs, Seq2SeqTimeSeriesOutput>, SeriesForecaster {
  static constexpr const char* kAutoClass = "AutoModelForTimeSeriesPrediction";
};

// Of heads on patches of series, C channels. What a head predicts is a tensor, or the parameters of its distribution,
// under the same name.
struct SeriesHeadOutput : ModelOutput {
  Tensor prediction_outputs, regression_outputs;  // [B, P, C], [B, targets]
  Tensors prediction_params, regression_params;
  Tensor prediction_logits;  // [B, classes]
  Tensor last_hidden_state;  // of models that hand it out
  Tensor loc, scale;
  void each_field(FieldVisitor& visitor);
};

// Each is asked for by its own name, or by the auto class that it says.
struct SeriesHead : CallableModel<TimeSeriesInputs, SeriesHeadOutput> {};
struct SeriesPrediction : SeriesHead, SeriesForecaster {
  static constexpr const char* kAutoClass = "AutoModelForTimeSeriesPrediction";
};

namespace nn {

// (values - loc) / scale is of a usual size.
struct SeriesScale {
  Tensor loc, scale;  // the dimension of steps has size 1
};

// By config.json's `scaling`: "mean" or true divides by the mean of |x|, "std" standardises, anything else does
// nothing. Values that were not observed (0 in the mask) do not count.
SeriesScale series_scale(const JsonText& scaling, const Tensor& values, const Tensor& observed);

// Each series as it was `lags` steps before, at the last `length` steps: [B, T, ...] -> [B, length, ..., lags]. Throws
// Error kInvalidArgument where the series is too short.
Tensor lagged(const Tensor& series, const std::vector<int64_t>& lags, int64_t length);

}  // namespace nn
}  // namespace imago
