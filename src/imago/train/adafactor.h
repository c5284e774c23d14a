// Adafactor (Shazeer and Stern 2018, "Adaptive Learning Rates with Sublinear Memory Cost"), with the reference's
// arithmetic and defaults: of a matrix's squared gradients only the means of rows and columns are kept.
#pragma once

#include <optional>

#include "imago/train/optimizer.h"

namespace imago {

struct AdafactorOptions {
  double eps1 = 1e-30, eps2 = 1e-3;  // added to squared gradients; the least scale of a parameter
  double clip_threshold = 1.0;       // of an update's root mean square
  double decay_rate = -0.8;          // of the running mean: 1 - step ^ decay_rate
  std::optional<double> beta1;       // of the update's own running mean; none keeps none
  bool scale_parameter = true;       // the learning rate is relative to the parameter's root mean square
  bool relative_step = true;         // the learning rate follows the step and not the group
  bool warmup_init = false;          // that one begins with a slow rise
};

class Adafactor final : public Optimizer {
 public:
  // Throws Error kInvalidArgument where warmup_init stands without relative_step.
  Adafactor(std::vector<ParameterGroup> groups, AdafactorOptions options);

  Tensor update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) override;

 private:
  double learning_rate(const Tensor& parameter, const ParameterGroup& group, int64_t step) const;
  Tensor scaled(const Tensor& gradient, double beta2, State& state) const;

  AdafactorOptions options_;
};

}  // namespace imago
