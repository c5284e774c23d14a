// Muon (Jordan et al. 2024): momentum whose direction is made orthogonal, for the matrices inside a network;
// embeddings, heads and vectors go to another optimizer. With torch's arithmetic and defaults.
#pragma once

#include "imago/train/optimizer.h"

namespace imago {

struct MuonOptions {
  double momentum = 0.95;
  bool nesterov = true;
  double a = 3.4445, b = -4.775, c = 2.0315;  // coefficients of the Newton-Schulz iteration
  double eps = 1e-7;
  int ns_steps = 5;
  // adjust_lr_fn "match_rms_adamw": updates as large as AdamW's, whose learning rate and decay then fit. Otherwise
  // "original".
  bool match_rms_adamw = false;
};

class Muon final : public Optimizer {
 public:
  // Throws Error kInvalidArgument for a parameter that is not a matrix.
  Muon(std::vector<ParameterGroup> groups, MuonOptions options);

  Tensor update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) override;

 private:
  Tensor orthogonalized(const Tensor& direction) const;

  MuonOptions options_;
};

}  // namespace imago
