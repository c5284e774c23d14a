// Layers of Gulati et al. 2020, "Conformer: Convolution-augmented Transformer for Speech Recognition", with positions
// of several kinds. B batch, T frames, D hidden, H heads, K head size.
#pragma once

#include <string>

#include "imago/nn/attention.h"
#include "imago/nn/rotary.h"
#include "imago/nn/speech_frames.h"

namespace imago::nn {

struct ConformerAttentionOptions {
  int64_t hidden_size = 0, heads = 0;
  std::string positions = "none";  // relative_key, relative or rotary
  int64_t left = 0, right = 0;     // of relative_key: how far the table of distances goes
};

// x [..., 2 n, ...] along `dim` as n channels, as far as the other n let them through (Dauphin et al. 2016).
Tensor gated_linear_unit(const Tensor& x, int64_t dim);

// Where the frames stand, as one of the kinds has it.
struct ConformerPositions {
  RotaryAngles angles;  // of "rotary"
  Tensor sinusoids;     // of "relative": [1, 2 T - 1, D], of distances from T - 1 down to 1 - T
};

struct ConformerAttention : Module {
  Linear linear_q, linear_k, linear_v, linear_out, linear_pos;
  Tensor pos_bias_u, pos_bias_v;  // [H, K]
  Embedding distance_embedding;
  FIELDS(linear_q, linear_k, linear_v, linear_out, linear_pos, pos_bias_u, pos_bias_v, distance_embedding)

  explicit ConformerAttention(const ConformerAttentionOptions& o);
  Tensor operator()(const Tensor& x_BTD, AttentionContext context, const ConformerPositions& at) const;

  std::string positions;
  int64_t heads, left, right;

 private:
  Tensor distance_scores(const Tensor& q_BHTK) const;
  Tensor sinusoid_scores(const Tensor& q_BHTK, const Tensor& sinusoids) const;
};

// A gate, a convolution of each channel over the frames before, and a norm.
struct ConformerConvolution : Module {
  LayerNorm layer_norm;
  Conv1d pointwise_conv1, depthwise_conv;
  LayerNorm depthwise_layer_norm;
  Conv1d pointwise_conv2;
  FIELDS(layer_norm, pointwise_conv1, depthwise_conv, depthwise_layer_norm, pointwise_conv2)

  ConformerConvolution(int64_t hidden_size, int64_t taps, std::string_view activation, double eps, double dropout);
  Tensor operator()(const Tensor& x_BTD, const Tensor& mask) const;

  Activation activation;
  double dropped;
};

}  // namespace imago::nn
