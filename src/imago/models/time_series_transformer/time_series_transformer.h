// An encoder and decoder over a series (Vaswani et al. 2017), with a distribution of each future value as its head.
// B batch, T steps of the past, F features of a step.
#pragma once

#include "imago/nn/lagged_series.h"

namespace imago::time_series_transformer {

struct TimeSeriesTransformerConfig : nn::LaggedSeriesConfig {
  static constexpr const char* kModelType = "time_series_transformer";
};

struct Stack : nn::EncoderDecoderStack {
  nn::StepEmbedding embedding;
  void each_field(FieldVisitor& visitor);

  Stack(const TimeSeriesTransformerConfig& c, bool is_decoder);
  BaseModelOutput operator()(const TextInputs& in) const;

  int64_t first_position;
};

using TimeSeriesTransformerModel = nn::LaggedEncoderDecoder<TimeSeriesTransformerConfig, Stack>;
using TimeSeriesTransformerForPrediction = nn::LaggedForPrediction<TimeSeriesTransformerModel>;

}  // namespace imago::time_series_transformer
