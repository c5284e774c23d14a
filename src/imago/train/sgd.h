// Gradient descent with momentum, Nesterov's form included (Sutskever et al. 2013), with torch's arithmetic.
#pragma once

#include "imago/train/optimizer.h"

namespace imago {

struct SGDOptions {
  double momentum = 0, dampening = 0;
  bool nesterov = false;  // needs momentum, and no dampening
};

class SGD final : public Optimizer {
 public:
  // Throws Error kInvalidArgument where nesterov lacks what it needs.
  SGD(std::vector<ParameterGroup> groups, SGDOptions options);

  Tensor update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) override;
  bool is_elementwise() const override { return true; }

 private:
  SGDOptions options_;
};

}  // namespace imago
