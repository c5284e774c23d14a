// AdamW whose two running means are kept in 8 bits (Dettmers et al. 2022, "8-bit Optimizers via Block-wise
// Quantization"): an element is one of 256 fractions of the largest of its 256 neighbours. As bitsandbytes computes it.
#pragma once

#include "imago/train/adamw.h"

namespace imago {

class AdamW8bit final : public Optimizer {
 public:
  AdamW8bit(std::vector<ParameterGroup> groups, AdamWOptions options)
      : Optimizer(std::move(groups)), options_(options), in_32_bits_(std::vector<ParameterGroup>{}, options) {}

  // A parameter of fewer than 4096 elements is moved by AdamW with means in float.
  Tensor update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) override;

 private:
  AdamWOptions options_;
  AdamW in_32_bits_;
};

}  // namespace imago
