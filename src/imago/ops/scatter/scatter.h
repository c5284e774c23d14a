#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Scatter {
  static constexpr const char* name = "scatter";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x, const Tensor& index, const Tensor& source) const;
  Tensors vjp(const Backward& b) const;
};

struct ScatterAdd {
  static constexpr const char* name = "scatter_add";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x, const Tensor& index, const Tensor& source) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// A copy of `x` with x[i][index[i][j][k]][k] = source[i][j][k] for dim = 1 (or += it). `source` has at least the shape
// of `index`. Of equal indices the last one wins. Indices are checked as in gather.
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, double value);
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);

}  // namespace imago
