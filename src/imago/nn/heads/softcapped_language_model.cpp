#include "imago/nn/heads/softcapped_language_model.h"

#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {

Tensor SoftcappedLMHead::operator()(const Tensor& x_BTD) const {
  const Tensor logits = LMHead::operator()(x_BTD);
  return cap ? tanh(logits / *cap) * *cap : logits;
}

}  // namespace imago::nn
