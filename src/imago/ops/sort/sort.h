#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Sort {
  static constexpr const char* name = "sort";
  int64_t dim;
  bool descending;
  FIELDS(dim, descending)
  TensorSpecs check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

struct SortResult {
  Tensor values;
  Tensor indices;  // int64: where each value stood along the dimension
};

// The elements in order along `dim`; equal ones keep theirs. NaN is larger than every number, as in torch.
SortResult sort(const Tensor& x, int64_t dim = -1, bool descending = false);
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false);

}  // namespace imago
