// A layer whose two parts are normalised before and after. B batch, T tokens, D hidden.
#pragma once

#include "imago/nn/grouped_query_attention.h"
#include "imago/ops/operators.h"

namespace imago::nn {

// x + norm(part(norm(x))) of both parts (Ding et al. 2021, "CogView"). They are made of the configuration and the
// layer's number.
template <class Attention, class MLP, class Norm>
struct SandwichNormLayer : Module {
  Attention self_attn;
  MLP mlp;
  Norm input_layernorm, post_attention_layernorm, pre_feedforward_layernorm, post_feedforward_layernorm;
  FIELDS(self_attn, mlp, input_layernorm, post_attention_layernorm, pre_feedforward_layernorm,
         post_feedforward_layernorm)

  template <class C>
  SandwichNormLayer(const C& c, int64_t layer)
      : self_attn(c, layer),
        mlp(c, layer),
        input_layernorm(c.hidden_size, c.rms_norm_eps),
        post_attention_layernorm(c.hidden_size, c.rms_norm_eps),
        pre_feedforward_layernorm(c.hidden_size, c.rms_norm_eps),
        post_feedforward_layernorm(c.hidden_size, c.rms_norm_eps) {}
  Tensor operator()(const Tensor& x_BTD, const RotaryContext& context) const {
    const Tensor h_BTD = x_BTD + post_attention_layernorm(self_attn(input_layernorm(x_BTD), context));
    return h_BTD + post_feedforward_layernorm(mlp(pre_feedforward_layernorm(h_BTD)));
  }
};

}  // namespace imago::nn
