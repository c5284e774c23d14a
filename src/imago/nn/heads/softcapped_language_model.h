// A language model's head whose scores stay within bounds.
#pragma once

#include "imago/nn/heads/language_model.h"

namespace imago::nn {

// LMHead, its scores x made cap * tanh(x / cap) where there is a cap, by default config.json's final_logit_softcapping
// (Bello et al. 2016, "Neural Combinatorial Optimization with Reinforcement Learning", section 5).
struct SoftcappedLMHead : LMHead {
  std::optional<double> cap;

  template <class ConfigType>
  explicit SoftcappedLMHead(const ConfigType& c) : SoftcappedLMHead(c, c.final_logit_softcapping) {}
  template <class ConfigType>
  SoftcappedLMHead(const ConfigType& c, std::optional<double> limit) : LMHead(c), cap(limit) {}
  Tensor operator()(const Tensor& x_BTD) const;
};

}  // namespace imago::nn
