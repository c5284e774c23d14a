#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct IndexAdd {
  static constexpr const char* name = "index_add";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x, const Tensor& index, const Tensor& source) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// A copy of `x` to which source[i] is added at index[i] along `dim`; the other sizes are equal. Indices are checked as
// in index_select.
Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);

}  // namespace imago
