#include "imago/train/adamw.h"

#include <cmath>

#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"

namespace imago {

AdamW::AdamW(Tensors parameters, AdamWOptions options) : parameters_(std::move(parameters)), options_(options) {
  for (const Tensor& parameter : parameters_) {
    const auto zeros = [&] { return Tensor::zeros(parameter.shape(), parameter.dtype(), parameter.device()); };
    states_.push_back({zeros(), zeros()});
  }
}

void AdamW::step() {
  const NoGrad no_grad;
  ++steps_;
  const double correction1 = 1 - std::pow(options_.beta1, static_cast<double>(steps_));
  const double correction2 = std::sqrt(1 - std::pow(options_.beta2, static_cast<double>(steps_)));
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor gradient = parameters_[i].grad();
    if (!gradient.defined()) continue;
    auto& [exp_avg, exp_avg_sq] = states_[i];
    exp_avg = exp_avg + (gradient - exp_avg) * (1 - options_.beta1);
    exp_avg_sq = exp_avg_sq * options_.beta2 + square(gradient) * (1 - options_.beta2);
    const Tensor denominator = sqrt(exp_avg_sq) / correction2 + options_.eps;
    const Tensor decayed = parameters_[i].detach() * (1 - options_.lr * options_.weight_decay);
    copy_(parameters_[i], decayed - exp_avg / denominator * (options_.lr / correction1));
  }
}

void AdamW::zero_grad() {
  for (const Tensor& parameter : parameters_) parameter.set_grad({});
}

}  // namespace imago
