#include "imago/nn/speech_frames.h"

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

Tensor weighted_layers(const Tensor& weights, const Tensors& hidden_states) {
  return sum(stack(hidden_states, 0) * reshape(softmax(weights, -1), {-1, 1, 1, 1}), {0});
}

}  // namespace imago::nn
