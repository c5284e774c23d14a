#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct OneHot {
  static constexpr const char* name = "one_hot";
  static constexpr bool differentiable = false;
  int64_t num_classes;
  FIELDS(num_classes)
  TensorSpec check(const Tensor& index) const;
  Tensor decompose(const Tensor& index) const;
};

}  // namespace op

// int64 [..., num_classes]: 1 at the index, 0 elsewhere. An index outside [0, num_classes) is an Error
// kInvalidArgument.
Tensor one_hot(const Tensor& index, int64_t num_classes);

}  // namespace imago
