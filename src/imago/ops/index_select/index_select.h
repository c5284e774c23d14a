#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct IndexSelect {
  static constexpr const char* name = "index_select";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x, const Tensor& index) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// The elements at `index` (one dimension, or none) along `dim`, in its order. An index outside the dimension, negative
// ones too, is an Error kInvalidArgument.
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);

}  // namespace imago
