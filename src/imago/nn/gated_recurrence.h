// The recurrent block of Griffin (De et al. 2024, "Griffin: Mixing Gated Linear Recurrences with Local Attention for
// Efficient Language Models"). B batch, T tokens, D hidden, W channels of the recurrence.
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/state_space.h"

namespace imago::nn {

struct GatedRecurrenceOptions {
  int64_t hidden_size = 0, width = 0;
  int64_t heads = 0;  // gates are of the channels of a head
  int64_t kernel_size = 4;
  std::string activation = "gelu_pytorch_tanh";
  int64_t layer = 0;  // whose state the cache keeps
};

// A real-gated linear recurrent unit: each channel of the state fades as its token says, and at position 0 begins anew.
struct RGLRU : Module {
  Tensor recurrent_param, input_gate_weight, input_gate_bias, recurrent_gate_weight, recurrent_gate_bias;
  FIELDS(recurrent_param, input_gate_weight, input_gate_bias, recurrent_gate_weight, recurrent_gate_bias)

  RGLRU(int64_t width, int64_t heads);
  // `starts` [B or 1, T, 1] says where the position is 0; `state` [B, W] becomes that after the last token.
  Tensor operator()(const Tensor& x_BTW, const Tensor& starts, Tensor& state) const;
};

struct GatedRecurrence : Module {
  Linear linear_y, linear_x, linear_out;
  CausalConvolution conv_1d;
  RGLRU rg_lru;
  FIELDS(linear_y, linear_x, linear_out, conv_1d, rg_lru)

  explicit GatedRecurrence(const GatedRecurrenceOptions& o);
  Tensor operator()(const Tensor& x_BTD, const Tensor& starts, KeyValueCache* cache) const;

 private:
  int64_t layer_;
  Activation activation_;
};

}  // namespace imago::nn
