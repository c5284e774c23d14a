// What turns samples into frames, of models that hear without a spectrogram. B batch, T frames, D hidden.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imago/nn/activations.h"
#include "imago/nn/convolution_1d.h"
#include "imago/nn/layers.h"
#include "imago/nn/weight_map.h"

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

// A pile of convolutions that turn samples into frames, as config.json describes it.
struct FrameOptions {
  std::vector<int64_t> conv_dim, conv_stride, conv_kernel;
  bool conv_bias = false;
  std::string feat_extract_norm = "group", feat_extract_activation = "gelu";

  // Throws Error kInvalidFile and kUnsupported for what contradicts itself or is not known.
  void validate() const;
  // How many frames so many samples become.
  int64_t frames(int64_t samples) const;
};

// samples [B, N] -> [B, T, C]
struct FeatureEncoder : Module {
  std::vector<SpeechConvLayer> conv_layers;
  FIELDS(conv_layers)

  explicit FeatureEncoder(const FrameOptions& options);
  // Throws Error kInvalidArgument where there are too few samples for one frame.
  Tensor operator()(const Tensor& samples_BN) const;

  FrameOptions options;
};

// projection(layer_norm(x))
struct FeatureProjection : Module {
  LayerNorm layer_norm;
  Linear projection;
  FIELDS(layer_norm, projection)

  FeatureProjection(int64_t in_size, int64_t out_size, double eps)
      : layer_norm(in_size, eps), projection(in_size, out_size) {}
};

// What training drops in the layers of a model that hears.
struct SpeechDropout {
  double hidden = 0;      // of what a layer's parts make
  double activation = 0;  // inside of the feed forward
  double attention = 0;   // of attention's weights
  double layer = 0;       // whole layers (Fan et al. 2019, "Reducing Transformer Depth on Demand")
};

// Whether training leaves a layer out; draws a number where the probability is above 0.
bool drops_layer(double probability);

struct SpeechFeedForward : Module {
  Linear intermediate_dense, output_dense;
  FIELDS(intermediate_dense, output_dense)

  SpeechFeedForward(int64_t hidden_size, int64_t intermediate_size, std::string_view activation_name,
                    const SpeechDropout& dropout = {})
      : intermediate_dense(hidden_size, intermediate_size),
        output_dense(intermediate_size, hidden_size),
        activation(nn::activation(activation_name)),
        dropped(dropout) {}
  Tensor operator()(const Tensor& x) const;

  Activation activation;
  SpeechDropout dropped;
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

// Checkpoints of older releases have their names of a weight's length and direction; we save today's.
std::vector<WeightRule> positional_convolution_rules();

// How many frames of each row of samples [B, N] are heard: those of samples that attention_mask [B, N] does not call
// padding; all where it is undefined.
std::vector<int64_t> heard_frames(const FrameOptions& options, const Tensor& samples_BN, const Tensor& attention_mask);

// bool [B, frames]: the first `heard` of each row are true.
Tensor first_frames(const std::vector<int64_t>& heard, int64_t frames);

// The sum of all layers' states, weighted by the softmax of `weights` [layers + 1].
Tensor weighted_layers(const Tensor& weights, const Tensors& hidden_states);

}  // namespace imago::nn
