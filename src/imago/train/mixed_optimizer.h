// Several rules in one optimizer: each group of parameters moves by its own.
#pragma once

#include <memory>

#include "imago/train/optimizer.h"

namespace imago {

class MixedOptimizer final : public Optimizer {
 public:
  // `rules` are optimizers without parameters of their own, one for each group.
  // Throws Error kInternal where there are not as many.
  MixedOptimizer(std::vector<ParameterGroup> groups, std::vector<std::unique_ptr<Optimizer>> rules);

  Tensor update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) override;

 private:
  std::vector<std::unique_ptr<Optimizer>> rules_;
};

}  // namespace imago
