// Autoformer (Wu et al. 2021, "Autoformer: Decomposition Transformers with Auto-Correlation for Long-Term Series
// Forecasting"). B batch, T steps, P steps of the future, F features of a step, H heads, K head size, D hidden.
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/auto_correlation.h"
#include "imago/nn/convolution_1d.h"
#include "imago/nn/dropout.h"
#include "imago/nn/lagged_series.h"

namespace imago::autoformer {

struct AutoformerConfig : nn::LaggedSeriesConfig {
  static constexpr const char* kModelType = "autoformer";
  int64_t label_length = 10, moving_average = 25, autocorrelation_factor = 3;
  FIELDS_AND(LaggedSeriesConfig, label_length, moving_average, autocorrelation_factor)
  AutoformerConfig() { scaling.text = "true"; }
  void validate() const override;
};

// A norm minus its mean over time.
struct SeasonalNorm : Module {
  nn::LayerNorm layernorm;
  FIELDS(layernorm)
  explicit SeasonalNorm(int64_t size) : layernorm(size, 1e-5) {}
  Tensor operator()(const Tensor& x_BTD) const;
};

struct Layer : Module {
  nn::AutoCorrelation self_attn;
  nn::LayerNorm self_attn_layer_norm;
  std::optional<nn::AutoCorrelation> encoder_attn;
  nn::LayerNorm encoder_attn_layer_norm;
  nn::Linear fc1, fc2;
  SeasonalNorm final_layer_norm;
  nn::Conv1d trend_projection;
  FIELDS(self_attn, self_attn_layer_norm, encoder_attn, encoder_attn_layer_norm, fc1, fc2, final_layer_norm,
         trend_projection)

  Layer(const AutoformerConfig& c, bool is_decoder);
  Tensor encode(const Tensor& x_BTD, Tensors* weights) const;
  // `trend` [B, T, F] grows by this layer's.
  Tensor decode(const Tensor& x_BTD, const Tensor& encoded, Tensor& trend, Tensors* weights, Tensors* cross) const;

  nn::Activation activation;
  int64_t moving_average;
  double dropped, activation_dropped;

 private:
  Tensor drop(const Tensor& x) const { return nn::dropout(x, dropped); }
  Tensor feed_forward(const Tensor& x) const { return drop(fc2(nn::dropout(activation(fc1(x)), activation_dropped))); }
};

struct Encoder : Module {
  nn::StepEmbedding embedding;
  std::vector<Layer> layers;
  void each_field(FieldVisitor& visitor);

  Encoder(const AutoformerConfig& c, bool decodes);
};

struct Decoder : Encoder {
  nn::Linear seasonality_projection;
  void each_field(FieldVisitor& visitor);
  explicit Decoder(const AutoformerConfig& c) : Encoder(c, true), seasonality_projection(c.d_model, c.features()) {}
};

struct AutoformerModel : nn::Backbone<AutoformerConfig, Seq2SeqTimeSeriesModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  nn::FeatureEmbedder embedder;
  Encoder encoder;
  Decoder decoder;
  FIELDS(embedder, encoder, decoder)

  explicit AutoformerModel(const AutoformerConfig& c) : Backbone(c), embedder(c), encoder(c, false), decoder(c) {}
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  Seq2SeqTimeSeriesOutput forward(const TimeSeriesInputs& in) const override;
  Seq2SeqTimeSeriesOutput encode(const nn::LaggedSteps& steps, const TimeSeriesInputs& in) const;
  // From the context's lags [B, T, F] and the features of past and future.
  void decode(Seq2SeqTimeSeriesOutput& out, const Tensor& lags_BTF, const Tensor& features_BTF,
              const TimeSeriesInputs& in) const;
};

struct FutureHead : nn::DistributionHead {
  explicit FutureHead(const AutoformerConfig& c)
      : DistributionHead(c.distribution_output, c.features(), c.input_size) {}
};

struct AutoformerForPrediction
    : nn::WithHead<Seq2SeqTimeSeriesPrediction, AutoformerModel, FutureHead, "parameter_projection"> {
  using WithHead::WithHead;
  Seq2SeqTimeSeriesOutput forward(const TimeSeriesInputs& in) const override;
  ForecastShape forecast_shape() const override { return config_of().forecast_shape(); }
  Tensor sample(const TimeSeriesInputs& in, int64_t samples, const DrawValues& draw) const override;

 private:
  const AutoformerConfig& config_of() const { return base.config(); }
  Tensor future_state(Seq2SeqTimeSeriesOutput& out) const;  // [B, P, F], seasons and trend
};

}  // namespace imago::autoformer
