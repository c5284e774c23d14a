// PatchTST (Nie et al. 2022, "A Time Series is Worth 64 Words: Long-term Forecasting with Transformers").
// B batch, T steps, C channels, N patches, L steps of a patch, D hidden, P steps of the future.
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/heads/with_head.h"
#include "imago/nn/hidden_patches.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/series_heads.h"
#include "imago/nn/series_patches.h"

namespace imago::patchtst {

struct PatchTSTConfig : Config {
  static constexpr const char* kModelType = "patchtst";
  int64_t num_input_channels = 1, context_length = 32, patch_length = 1, patch_stride = 1;
  std::string distribution_output = "student_t";
  std::optional<std::string> loss = "mse";
  int64_t num_hidden_layers = 3, d_model = 128, num_attention_heads = 4, ffn_dim = 512;
  bool share_embedding = true, channel_attention = false;
  std::string norm_type = "batchnorm";
  double norm_eps = 1e-5;
  bool bias = true, pre_norm = true, use_cls_token = false, share_projection = true;
  std::string activation_function = "gelu";
  JsonText scaling{"\"std\""};
  std::optional<bool> do_mask_input;
  std::optional<std::string> pooling_type = "mean";
  int64_t prediction_length = 24, num_targets = 1, num_parallel_samples = 100;
  std::optional<std::vector<double>> output_range;
  std::string mask_type = "random";
  double random_mask_ratio = 0.5, mask_value = 0;
  std::vector<int64_t> num_forecast_mask_patches = {2};  // a number or a list of them in the file
  bool channel_consistent_masking = true;
  std::optional<std::vector<int64_t>> unmasked_channel_indices;
  JsonText positional_encoding_type;  // of initial values
  double attention_dropout = 0, positional_dropout = 0, path_dropout = 0, ff_dropout = 0, head_dropout = 0;
  FIELDS_AND(Config, num_input_channels, context_length, patch_length, patch_stride, distribution_output, loss,
             num_hidden_layers, d_model, num_attention_heads, ffn_dim, share_embedding, channel_attention, norm_type,
             norm_eps, bias, pre_norm, use_cls_token, share_projection, activation_function, scaling, do_mask_input,
             pooling_type, prediction_length, num_targets, num_parallel_samples, output_range, positional_encoding_type,
             mask_type, random_mask_ratio, num_forecast_mask_patches, channel_consistent_masking,
             unmasked_channel_indices, mask_value, attention_dropout, positional_dropout, path_dropout, ff_dropout,
             head_dropout)

  void validate() const override;
  int64_t patches() const { return (context_length - patch_length) / patch_stride + 1; }
  std::optional<std::string_view> family() const {
    if (loss == "mse") return {};
    return distribution_output;
  }
};

struct PatchTSTModelOutput : ModelOutput {
  Tensor last_hidden_state;  // [B, C, N, D]
  Tensor loc, scale;         // [B, 1, C]
  Tensor patch_input, mask;  // [B, C, N, L]; [B, C, N] of those hidden
  FIELDS_AND(ModelOutput, last_hidden_state, loc, scale, patch_input, mask)
};

struct PatchTSTBase : CallableModel<TimeSeriesInputs, PatchTSTModelOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};

struct Layer : Module {
  nn::MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj"> self_attn;
  nn::PatchNorm norm_sublayer1;
  std::optional<nn::PatchNorm> norm_sublayer2;  // of attention between channels
  nn::PatchNorm norm_sublayer3;
  nn::Linear up, down;
  void each_field(FieldVisitor& visitor);

  Layer(const PatchTSTConfig& c, int64_t index);
  Tensor operator()(const Tensor& x_BCND, const nn::AttentionContext& context) const;

  nn::Activation activation;
  bool norm_first;
  double path_dropout, ff_dropout;
};

struct Encoder : Module {
  nn::PatchEmbedder embedder;
  nn::PatchPositions positional_encoder;
  std::vector<Layer> layers;
  FIELDS(embedder, positional_encoder, layers)

  explicit Encoder(const PatchTSTConfig& c);
};

struct PatchTSTModel : nn::Backbone<PatchTSTConfig, PatchTSTBase> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  Encoder encoder;
  FIELDS(encoder)

  explicit PatchTSTModel(const PatchTSTConfig& c) : Backbone(c), encoder(c) {}
  WeightMap weight_map() const override;
  PatchTSTModelOutput forward(const TimeSeriesInputs& in) const override {
    return read(in, config().do_mask_input.value_or(false));
  }
  PatchTSTModelOutput read(const TimeSeriesInputs& in, bool hides) const;
};

struct PretrainHead : Module {
  nn::Linear linear;
  FIELDS(linear)
  explicit PretrainHead(const PatchTSTConfig& c) : linear(c.d_model, c.patch_length) {}
};

struct PredictionHead : Module {
  nn::SeriesProjection projection;
  FIELDS(projection)
  explicit PredictionHead(const PatchTSTConfig& c);
};

struct RegressionHead : Module {
  nn::SeriesProjection projection;
  FIELDS(projection)
  explicit RegressionHead(const PatchTSTConfig& c)
      : projection(c.family(), c.num_input_channels * c.d_model, c.num_targets) {}
};

struct ClassificationHead : Module {
  nn::Linear linear;
  FIELDS(linear)
  explicit ClassificationHead(const PatchTSTConfig& c) : linear(c.num_input_channels * c.d_model, c.num_targets) {}
};

struct PatchTSTForPretraining : nn::WithHead<HiddenPatchModel, PatchTSTModel, PretrainHead, "head"> {
  using WithHead::WithHead;
  HiddenPatchOutput forward(const TimeSeriesInputs& in) const override;
};

struct PatchTSTForPrediction : nn::WithHead<SeriesPrediction, PatchTSTModel, PredictionHead, "head"> {
  using WithHead::WithHead;
  SeriesHeadOutput forward(const TimeSeriesInputs& in) const override;
  ForecastShape forecast_shape() const override;
  Tensor sample(const TimeSeriesInputs& in, int64_t samples, const DrawValues& draw) const override;

 private:
  SeriesHeadOutput predict(PatchTSTModelOutput& below, const Tensor& future_values) const;
};

struct PatchTSTForRegression : nn::WithHead<SeriesHead, PatchTSTModel, RegressionHead, "head"> {
  static constexpr const char* kAutoClass = "AutoModelForTimeSeriesRegression";
  using WithHead::WithHead;
  SeriesHeadOutput forward(const TimeSeriesInputs& in) const override;
};

struct PatchTSTForClassification : nn::WithHead<SeriesHead, PatchTSTModel, ClassificationHead, "head"> {
  static constexpr const char* kAutoClass = "AutoModelForTimeSeriesClassification";
  using WithHead::WithHead;
  SeriesHeadOutput forward(const TimeSeriesInputs& in) const override;
};

}  // namespace imago::patchtst
