#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Gather {
  static constexpr const char* name = "gather";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x, const Tensor& index) const;
  Tensors vjp(const Backward& b) const;
};

// What gather and scatter ask of an index: the dimensions of x, none larger but along `dim`.
void check_index_shape(const char* name, const Tensor& x, int64_t dim, const Tensor& index);

}  // namespace op

// y[i][j][k] = x[i][index[i][j][k]][k] for dim = 1. An index outside the dimension, negative ones too, is an Error
// kInvalidArgument.
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);

}  // namespace imago
