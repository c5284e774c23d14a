#include "imago/nn/speech_frames.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/group_norm/group_norm.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"

namespace imago::nn {

SpeechConvLayer::SpeechConvLayer(const Conv1d& convolution, FrameNorm frame_norm, std::string_view activation_name)
    : conv(convolution), norm(frame_norm), activation(nn::activation(activation_name)) {
  if (norm != FrameNorm::kNone) layer_norm = LayerNorm(conv.weight.size(0), 1e-5);
}

Tensor SpeechConvLayer::operator()(const Tensor& x) const {
  const Tensor y = conv(x);
  switch (norm) {
    case FrameNorm::kOverTime:
      return activation(group_norm(y, y.size(1), layer_norm.weight, layer_norm.bias, layer_norm.eps));
    case FrameNorm::kOverChannels: return activation(transpose(layer_norm(transpose(y, 1, 2)), 1, 2));
    default: return activation(y);
  }
}

void FrameOptions::validate() const {
  if (conv_dim.empty() || conv_dim.size() != conv_stride.size() || conv_dim.size() != conv_kernel.size())
    throw Error(ErrorKind::kInvalidFile, "config.json", "conv_dim, conv_stride and conv_kernel are not of one length");
  if (std::any_of(conv_stride.begin(), conv_stride.end(), [](int64_t stride) { return stride < 1; }))
    throw Error(ErrorKind::kInvalidFile, "config.json", "a conv_stride is below 1");
  if (feat_extract_norm != "group" && feat_extract_norm != "layer")
    throw Error(ErrorKind::kUnsupported, "config.json", "feat_extract_norm is neither \"group\" nor \"layer\"");
}

int64_t FrameOptions::frames(int64_t samples) const {
  for (size_t i = 0; i < conv_dim.size(); ++i)
    samples = samples < conv_kernel[i] ? 0 : (samples - conv_kernel[i]) / conv_stride[i] + 1;
  return samples;
}

FeatureEncoder::FeatureEncoder(const FrameOptions& o) : options(o) {
  for (size_t layer = 0; layer < o.conv_dim.size(); ++layer) {
    const Conv1d conv(layer > 0 ? o.conv_dim[layer - 1] : 1, o.conv_dim[layer], o.conv_kernel[layer],
                      {.stride = o.conv_stride[layer], .bias = o.conv_bias});
    const FrameNorm norm = o.feat_extract_norm == "layer" ? FrameNorm::kOverChannels
                           : layer == 0                   ? FrameNorm::kOverTime
                                                          : FrameNorm::kNone;
    conv_layers.emplace_back(conv, norm, o.feat_extract_activation);
  }
}

Tensor FeatureEncoder::operator()(const Tensor& samples_BN) const {
  if (!samples_BN || samples_BN.dim() != 2 || options.frames(samples_BN.size(1)) < 1) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "input_values are no rows of enough samples for one frame",
                "give [batch, samples]");
  }
  Tensor x = unsqueeze(samples_BN, 1);
  for (const SpeechConvLayer& layer : conv_layers) x = layer(x);
  return transpose(x, 1, 2);
}

PositionalConvolution::PositionalConvolution(int64_t hidden_size, int64_t taps, int64_t group_count,
                                             std::string_view activation_name)
    : length(parameter({1, 1, taps})),
      direction(parameter({hidden_size, hidden_size / group_count, taps})),
      bias(parameter({hidden_size})),
      groups(group_count),
      activation(nn::activation(activation_name)) {}

void PositionalConvolution::each_field(FieldVisitor& visitor) {
  imago::internal::visit_field(visitor, "conv.bias", bias);
  imago::internal::visit_field(visitor, "conv.parametrizations.weight.original0", length);
  imago::internal::visit_field(visitor, "conv.parametrizations.weight.original1", direction);
}

// Of an even number of taps there is one frame too many at the end.
Tensor PositionalConvolution::operator()(const Tensor& x_BTD) const {
  const Tensor weight = direction * (length / norm(direction, 2, {0, 1}, true));
  const Tensor y = convolution(transpose(x_BTD, 1, 2), weight, bias, {1}, {weight.size(2) / 2}, {1}, groups);
  return transpose(activation(narrow(y, 2, 0, x_BTD.size(1))), 1, 2);
}

std::vector<WeightRule> positional_convolution_rules() {
  const std::string conv = "*pos_conv_embed.conv.", now = conv + "parametrizations.weight.original";
  return {{now + "0"}, {now + "1"}, {conv + "weight_g", now + "0"}, {conv + "weight_v", now + "1"}};
}

bool drops_layer(double probability) {
  TorchGenerator* generator = training_generator();
  return generator != nullptr && probability > 0 && generator->uniform({}, 0, 1).item<float>() < probability;
}

Tensor SpeechFeedForward::operator()(const Tensor& x) const {
  return dropout(output_dense(dropout(activation(intermediate_dense(x)), dropped.activation)), dropped.hidden);
}

std::vector<int64_t> heard_frames(const FrameOptions& options, const Tensor& samples_BN, const Tensor& attention_mask) {
  std::vector<int64_t> heard(static_cast<size_t>(samples_BN.size(0)), samples_BN.size(1));
  if (attention_mask) heard = sum(attention_mask, {1}).to_vector<int64_t>();
  for (int64_t& count : heard) count = options.frames(count);
  return heard;
}

Tensor first_frames(const std::vector<int64_t>& heard, int64_t frames) {
  return unsqueeze(Tensor::arange(0, static_cast<double>(frames)), 0) < unsqueeze(Tensor::from(heard), 1);
}

Tensor weighted_layers(const Tensor& weights, const Tensors& hidden_states) {
  return sum(stack(hidden_states, 0) * reshape(softmax(weights, -1), {-1, 1, 1, 1}), {0});
}

}  // namespace imago::nn
