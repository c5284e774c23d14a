// What turns samples into frames, of models that hear without a spectrogram. B batch, T frames, D hidden.
#pragma once

#include <string_view>

#include "imago/nn/activations.h"
#include "imago/nn/convolution_1d.h"
#include "imago/nn/layers.h"

namespace imago::nn {

// How a convolution's output is normalised: not at all, each channel over time, or each frame over its channels.
enum class FrameNorm { kNone, kOverTime, kOverChannels };

// activation(norm(conv(x))) of x [B, in, T].
struct SpeechConvLayer : Module {
  Conv1d conv;
  LayerNorm layer_norm;
  FIELDS(conv, layer_norm)

  SpeechConvLayer(const Conv1d& convolution, FrameNorm norm, std::string_view activation);
  Tensor operator()(const Tensor& x) const;

  FrameNorm norm;
  Activation activation;
};

// Positions as a wide convolution in groups, its weight a direction and a length per tap (Salimans and Kingma 2016,
// "Weight Normalization"). [B, T, D] -> [B, T, D]
struct PositionalConvolution : Module {
  Tensor length, direction, bias;
  void each_field(FieldVisitor& visitor);

  PositionalConvolution(int64_t hidden_size, int64_t taps, int64_t groups, std::string_view activation);
  Tensor operator()(const Tensor& x_BTD) const;

  int64_t groups;
  Activation activation;
};

// The sum of all layers' states, weighted by the softmax of `weights` [layers + 1].
Tensor weighted_layers(const Tensor& weights, const Tensors& hidden_states);

}  // namespace imago::nn
