#include "imago/train/mixed_optimizer.h"

#include "imago/base/error.h"

namespace imago {

MixedOptimizer::MixedOptimizer(std::vector<ParameterGroup> groups, std::vector<std::unique_ptr<Optimizer>> rules)
    : Optimizer(std::move(groups)), rules_(std::move(rules)) {
  if (rules_.size() != this->groups().size())
    throw Error(ErrorKind::kInternal, "optimizer", "not one rule for each group of parameters");
}

Tensor MixedOptimizer::update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group,
                              State& state) {
  return rules_[static_cast<size_t>(&group - groups().data())]->update(parameter, gradient, group, state);
}

}  // namespace imago
