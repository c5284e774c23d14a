// An encoder and decoder over a series (Vaswani et al. 2017), with a distribution of each future value as its head.
// B batch, T steps of the past, P steps of the future, C channels, F features of a step.
#pragma once

#include "imago/nn/distributions.h"
#include "imago/nn/encoder_decoder_stack.h"
#include "imago/nn/time_series.h"

namespace imago::time_series_transformer {

struct TimeSeriesTransformerConfig : Config {
  static constexpr const char* kModelType = "time_series_transformer";
  int64_t prediction_length = 0;
  std::optional<int64_t> context_length;  // prediction_length where absent
  std::string distribution_output = "student_t", loss = "nll";
  int64_t input_size = 1;
  std::vector<int64_t> lags_sequence = {1, 2, 3, 4, 5, 6, 7};
  JsonText scaling{"\"mean\""};
  int64_t num_dynamic_real_features = 0, num_static_categorical_features = 0, num_static_real_features = 0;
  int64_t num_time_features = 0;
  std::optional<std::vector<int64_t>> cardinality, embedding_dimension;
  int64_t encoder_ffn_dim = 32, decoder_ffn_dim = 32, encoder_attention_heads = 2, decoder_attention_heads = 2;
  int64_t encoder_layers = 2, decoder_layers = 2;
  std::string activation_function = "gelu";
  int64_t d_model = 64, num_parallel_samples = 100;
  JsonText feature_size;  // follows from the others
  FIELDS_AND(Config, prediction_length, context_length, distribution_output, loss, input_size, lags_sequence, scaling,
             num_dynamic_real_features, num_static_categorical_features, num_static_real_features, num_time_features,
             cardinality, embedding_dimension, encoder_ffn_dim, decoder_ffn_dim, encoder_attention_heads,
             decoder_attention_heads, encoder_layers, decoder_layers, activation_function, d_model,
             num_parallel_samples, feature_size)

  TimeSeriesTransformerConfig() { is_encoder_decoder = true; }
  void validate() const override;
  int64_t context() const { return context_length.value_or(prediction_length); }
  // Of the static categories: how many values each has, and the size of its embedding.
  std::vector<std::pair<int64_t, int64_t>> categories() const;
  int64_t features() const;
  nn::StackOptions stack(bool decodes) const;
};

struct ValueEmbedding : Module {
  nn::Linear value_projection;
  FIELDS(value_projection)
};

// Features of a step in the place of words; positions are those of the context, then of the prediction.
struct Stack : nn::EncoderDecoderStack {
  ValueEmbedding value_embedding;
  nn::Embedding embed_positions;
  nn::LayerNorm layernorm_embedding;
  FIELDS_AND(EncoderDecoderStack, value_embedding, embed_positions, layernorm_embedding)

  Stack(const TimeSeriesTransformerConfig& c, bool is_decoder);
  BaseModelOutput operator()(const TextInputs& in) const;

  int64_t first_position;
};

struct FeatureEmbedder : Module {
  std::vector<nn::Embedding> embedders;
  FIELDS(embedders)

  Tensor operator()(const Tensor& features) const;
};

// What the stacks read, [B, T (+ P), F], and what it was made with.
struct NetworkInputs {
  Tensor steps_BTF;
  nn::SeriesScale scale;
  Tensor static_features;
};

struct TimeSeriesTransformerModel : nn::Backbone<TimeSeriesTransformerConfig, Seq2SeqTimeSeriesModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  FeatureEmbedder embedder;
  Stack encoder, decoder;
  FIELDS(embedder, encoder, decoder)

  explicit TimeSeriesTransformerModel(const TimeSeriesTransformerConfig& c);
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  Seq2SeqTimeSeriesOutput forward(const TimeSeriesInputs& in) const override;

 private:
  NetworkInputs network_inputs(const TimeSeriesInputs& in) const;
};

struct TimeSeriesTransformerForPrediction : nn::WithHead<Seq2SeqTimeSeriesPrediction, TimeSeriesTransformerModel,
                                                         nn::DistributionHead, "parameter_projection"> {
  using WithHead::WithHead;
  Seq2SeqTimeSeriesOutput forward(const TimeSeriesInputs& in) const override;
  Tensor sample(const TimeSeriesInputs& in, int64_t samples, const DrawValues& draw) const override;
};

}  // namespace imago::time_series_transformer
