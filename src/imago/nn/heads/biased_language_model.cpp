#include "imago/nn/heads/biased_language_model.h"

#include "imago/ops/operators.h"

namespace imago::nn {

Tensor BiasedLMHead::operator()(const Tensor& x_BTD) const {
  const Tensor logits = lm_head(x_BTD);
  return final_logits_bias ? logits + final_logits_bias.detach() : logits;
}

}  // namespace imago::nn
