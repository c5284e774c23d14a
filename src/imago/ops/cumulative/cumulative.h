// Running sums and products.
#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

TensorSpec check_cumulative(const char* name, const Tensor& x, int64_t dim);

struct CumSum {
  static constexpr const char* name = "cumsum";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x) const { return check_cumulative(name, x, dim); }
  Tensors vjp(const Backward& b) const;
};

struct CumProd {
  static constexpr const char* name = "cumprod";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x) const { return check_cumulative(name, x, dim); }
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// y[i] = x[0] + ... + x[i] along `dim` (or the product); int64 of integers and bool. Floating-point numbers are carried
// in double and each result is rounded once.
Tensor cumsum(const Tensor& x, int64_t dim);
Tensor cumprod(const Tensor& x, int64_t dim);

}  // namespace imago
