#include "imago/train/adamw.h"

#include <cmath>

#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"

namespace imago {

Tensor AdamW::update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) {
  const double correction1 = 1 - std::pow(options_.beta1, static_cast<double>(state.step));
  const double correction2 = std::sqrt(1 - std::pow(options_.beta2, static_cast<double>(state.step)));
  Tensor& exp_avg = kept(state, "exp_avg", parameter);
  Tensor& exp_avg_sq = kept(state, "exp_avg_sq", parameter);
  exp_avg = exp_avg + (gradient - exp_avg) * (1 - options_.beta1);
  exp_avg_sq = exp_avg_sq * options_.beta2 + square(gradient) * (1 - options_.beta2);
  const Tensor denominator = sqrt(exp_avg_sq) / correction2 + options_.eps;
  const Tensor decayed = parameter * (1 - group.lr * group.weight_decay);
  return decayed - exp_avg / denominator * (group.lr / correction1);
}

}  // namespace imago
