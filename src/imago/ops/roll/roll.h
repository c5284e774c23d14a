#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Roll {
  static constexpr const char* name = "roll";
  Shape shifts, dims;
  FIELDS(shifts, dims)
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
};

}  // namespace op

// The elements moved by shifts[i] along dims[i]; those that leave at the end come in at the beginning.
Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims);

}  // namespace imago
