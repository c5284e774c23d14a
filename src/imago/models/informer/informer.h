// Informer (Zhou et al. 2021, "Informer: Beyond Efficient Transformer for Long Sequence Time-Series Forecasting").
// B batch, T steps, S keys, H heads, K head size, D hidden.
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/convolution_1d.h"
#include "imago/nn/lagged_series.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/vision/convolution_layers.h"

namespace imago::informer {

struct InformerConfig : nn::LaggedSeriesConfig {
  static constexpr const char* kModelType = "informer";
  std::string attention_type = "prob";
  int64_t sampling_factor = 5;
  bool distil = true;
  FIELDS_AND(LaggedSeriesConfig, attention_type, sampling_factor, distil)

  InformerConfig() { dropout = 0.05; }
  void validate() const override;
};

using Attention = nn::MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj">;

// Attention that may be ProbSparse: only queries that a sample of keys tells apart attend, the others take the mean of
// the values, in a decoder the sum of those before.
struct SelfAttention : Attention {
  SelfAttention(const InformerConfig& c, bool is_decoder, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;

  int64_t factor;  // of how many queries attend; 0 lets all
  bool decodes;
};

struct Layer : Module {
  SelfAttention self_attn;
  nn::LayerNorm self_attn_layer_norm;
  std::optional<Attention> encoder_attn;
  nn::LayerNorm encoder_attn_layer_norm;
  nn::Linear fc1, fc2;
  nn::LayerNorm final_layer_norm;
  FIELDS(self_attn, self_attn_layer_norm, encoder_attn, encoder_attn_layer_norm, fc1, fc2, final_layer_norm)

  Layer(const InformerConfig& c, bool is_decoder, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::DecoderContext& context) const;

  nn::Activation activation;
  double dropped, activation_dropped;
};

// Half as many steps, of a convolution and the largest of three.
struct Distilling : Module {
  nn::Conv1d downConv;
  nn::BatchNorm2d norm;
  FIELDS(downConv, norm)

  explicit Distilling(int64_t size) : downConv(size, size, 3), norm(size) {}
  Tensor operator()(const Tensor& x_BTD) const;
};

struct Stack : Module {
  nn::StepEmbedding embedding;
  std::vector<Layer> layers;
  std::vector<Distilling> conv_layers;  // behind each layer of an encoder but the last
  void each_field(FieldVisitor& visitor);

  Stack(const InformerConfig& c, bool is_decoder);
  BaseModelOutput operator()(const TextInputs& in) const;

  bool decodes;
  int64_t first_position;
  double dropped, attention_dropped;
};

using InformerModel = nn::LaggedEncoderDecoder<InformerConfig, Stack>;
using InformerForPrediction = nn::LaggedForPrediction<InformerModel>;

}  // namespace imago::informer
