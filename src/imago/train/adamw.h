// AdamW (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"), with torch's arithmetic and defaults.
#pragma once

#include "imago/train/optimizer.h"

namespace imago {

struct AdamWOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-2;
};

class AdamW final : public Optimizer {
 public:
  // lr and weight_decay of the options count where no groups give them.
  AdamW(Tensors parameters, AdamWOptions options)
      : AdamW({{std::move(parameters), options.lr, options.weight_decay}}, options) {}
  AdamW(std::vector<ParameterGroup> groups, AdamWOptions options) : Optimizer(std::move(groups)), options_(options) {}

  Tensor update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) override;
  bool is_elementwise() const override { return true; }

 private:
  AdamWOptions options_;
};

}  // namespace imago
