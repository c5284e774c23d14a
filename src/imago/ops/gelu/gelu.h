#pragma once

#include <string>

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Gelu {
  static constexpr const char* name = "gelu";
  std::string approximate;  // "none" or "tanh"
  FIELDS(approximate)
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// x times the probability that a standard normal variable lies below it; by the error function, or approximated by
// tanh.
// ("Gaussian Error Linear Units", 2016)
Tensor gelu(const Tensor& x, std::string approximate = "none");

}  // namespace imago
