#pragma once

#include "imago/ops/apply.h"
#include "imago/ops/sort/sort.h"

namespace imago {
namespace op {

struct TopK {
  static constexpr const char* name = "topk";
  int64_t k, dim;
  bool largest;
  FIELDS(k, dim, largest)
  TensorSpecs check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// The `k` largest (smallest) elements along `dim`, the most extreme first. Of equal ones the first are taken, and NaN
// is larger than every number.
SortResult topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true);

}  // namespace imago
