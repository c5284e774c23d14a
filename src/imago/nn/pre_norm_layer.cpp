#include "imago/nn/pre_norm_layer.h"

#include "imago/nn/dropout.h"
#include "imago/ops/operators.h"

namespace imago::nn {

PreNorm::PreNorm(const PreNormOptions& o)
    : attention({.hidden_size = o.hidden_size, .heads = o.heads, .bias = o.input_bias}),
      norm1(o.hidden_size, o.eps),
      norm2(o.hidden_size, o.eps),
      mlp(o.hidden_size, o.intermediate_size, o.activation),
      dropped(o.dropout) {
  attention.output = Linear(o.hidden_size, o.hidden_size);
}

Tensor PreNorm::operator()(const Tensor& x_BTD, const AttentionContext& context) const {
  const Tensor h_BTD = x_BTD + dropout(attention(norm1(x_BTD), context), dropped);
  return h_BTD + dropout(mlp(norm2(h_BTD)), dropped);
}

}  // namespace imago::nn
