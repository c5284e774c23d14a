// B batch, T tokens, D hidden, W channels of the recurrence, H heads of V channels each, N = B * T.
#include "imago/nn/gated_recurrence.h"

#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::nn {
namespace {

// sigmoid(x W + b) of each head by itself.
Tensor gate(const Tensor& x_BTW, const Tensor& weight_HVV, const Tensor& bias_HV) {
  const Shape& s = x_BTW.shape();
  const Tensor x_HNV = transpose(reshape(x_BTW, {s[0] * s[1], weight_HVV.size(0), weight_HVV.size(1)}), 0, 1);
  return sigmoid(reshape(transpose(matmul(x_HNV, weight_HVV) + unsqueeze(bias_HV, 1), 0, 1), s));
}

// The square root, whose slope is at most 1000: near 0 it would be without bounds.
Tensor bounded_sqrt(const Tensor& x) {
  const Tensor at = x.detach();
  return sqrt(at) + (x - at) / sqrt(clamp(at * 4.0, 1e-6));
}

}  // namespace

RGLRU::RGLRU(int64_t width, int64_t heads) : recurrent_param(parameter({width})) {
  const int64_t size = width / heads;
  input_gate_weight = parameter({heads, size, size});
  recurrent_gate_weight = parameter({heads, size, size});
  input_gate_bias = parameter({heads, size});
  recurrent_gate_bias = parameter({heads, size});
}

Tensor RGLRU::operator()(const Tensor& x_BTW, const Tensor& starts, Tensor& state) const {
  const Tensor log_decay = gate(x_BTW, recurrent_gate_weight, recurrent_gate_bias) * -8.0 * softplus(recurrent_param);
  const Tensor one = Tensor::full({}, 1.0, x_BTW.dtype());
  // What comes in grows as what was there fades, so that the state keeps its size.
  const Tensor scale = where(starts, one, bounded_sqrt(1.0 - exp(log_decay * 2.0)));
  const Tensor added = widen(x_BTW * gate(x_BTW, input_gate_weight, input_gate_bias) * scale);
  const Tensor decay = widen(masked_fill(exp(log_decay), starts, 0));
  if (!state) state = Tensor::zeros({x_BTW.size(0), x_BTW.size(2)}, added.dtype());
  Tensors states;
  for (int64_t t = 0; t < x_BTW.size(1); ++t) {
    state = select(decay, 1, t) * state + select(added, 1, t);
    states.push_back(cast(state, x_BTW.dtype()));
  }
  return stack(states, 1);
}

GatedRecurrence::GatedRecurrence(const GatedRecurrenceOptions& o)
    : linear_y(o.hidden_size, o.width),
      linear_x(o.hidden_size, o.width),
      linear_out(o.width, o.hidden_size),
      conv_1d(o.width, o.kernel_size, true),
      rg_lru(o.width, o.heads),
      layer_(o.layer),
      activation_(nn::activation(o.activation)) {}

Tensor GatedRecurrence::operator()(const Tensor& x_BTD, const Tensor& starts, KeyValueCache* cache) const {
  Tensors states = cache != nullptr ? cache->state(layer_) : Tensors{};
  states.resize(2);
  const Tensor mixed = transpose(conv_1d(transpose(linear_x(x_BTD), 1, 2), states[0]), 1, 2);
  const Tensor y_BTW = rg_lru(mixed, starts, states[1]) * activation_(linear_y(x_BTD));
  if (cache != nullptr) cache->set_state(layer_, states, x_BTD.size(1));
  return linear_out(y_BTW);
}

}  // namespace imago::nn
