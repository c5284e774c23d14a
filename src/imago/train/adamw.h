// AdamW (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"), with torch's arithmetic and defaults.
#pragma once

#include <cstdint>

#include "imago/tensor/tensor.h"

namespace imago {

struct AdamWOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-2;
};

class AdamW {
 public:
  // Steps write into the parameters' own storage, which must be writable. Each leaf is listed once.
  AdamW(Tensors parameters, AdamWOptions options);

  // Moves every parameter that has a gradient.
  void step();
  void zero_grad();

 private:
  struct State {
    Tensor exp_avg, exp_avg_sq;
  };

  Tensors parameters_;
  std::vector<State> states_;
  AdamWOptions options_;
  int64_t steps_ = 0;
};

}  // namespace imago
