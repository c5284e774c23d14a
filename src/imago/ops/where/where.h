#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Where {
  static constexpr const char* name = "where";
  FIELDS()
  TensorSpec check(const Tensor& condition, const Tensor& a, const Tensor& b) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// `a` where `condition` (bool) holds, elsewhere `b`; the three broadcast, and `a` and `b` have one dtype.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

// `value` where `mask` (bool, broadcast to the shape of `x`) holds, elsewhere `x`.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);

// The lower (upper) triangle of the last two dimensions, with zeros elsewhere. `diagonal` counts up from the main one,
// which is kept.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);

}  // namespace imago
