// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"): every element moves by the same distance.
#pragma once

#include "imago/train/optimizer.h"

namespace imago {

struct LionOptions {
  double beta1 = 0.9, beta2 = 0.99;
};

class Lion final : public Optimizer {
 public:
  Lion(std::vector<ParameterGroup> groups, LionOptions options) : Optimizer(std::move(groups)), options_(options) {}

  Tensor update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) override;
  bool is_elementwise() const override { return true; }

 private:
  LionOptions options_;
};

}  // namespace imago
