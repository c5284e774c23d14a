// An encoder and decoder over a series (Vaswani et al. 2017), with a distribution of each future value as its head.
// B batch, T steps of the past, F features of a step.
#pragma once

#include "imago/nn/default_dropout.h"
#include "imago/nn/encoder_decoder_stack.h"
#include "imago/nn/lagged_series.h"

namespace imago::time_series_transformer {

struct TimeSeriesTransformerConfig : nn::LaggedSeriesConfig, nn::DropsByDefault {
  static constexpr const char* kModelType = "time_series_transformer";
  std::vector<nn::DroppedByDefault> dropped_by_default() const override {
    return {{"dropout", 0.1},
            {"encoder_layerdrop", 0.1},
            {"decoder_layerdrop", 0.1},
            {"attention_dropout", 0.1},
            {"activation_dropout", 0.1}};
  }
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
