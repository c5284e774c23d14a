#include "imago/train/lion.h"

#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"

namespace imago {

Tensor Lion::update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) {
  Tensor& exp_avg = kept(state, "exp_avg", parameter);
  const Tensor direction = sign(exp_avg * options_.beta1 + gradient * (1 - options_.beta1));
  exp_avg = exp_avg * options_.beta2 + gradient * (1 - options_.beta2);
  return parameter * (1 - group.lr * group.weight_decay) - direction * group.lr;
}

}  // namespace imago
