#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Concat {
  static constexpr const char* name = "concat";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(std::span<const Tensor> inputs) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// Tensors one behind the other along `dim`; their other sizes and dtypes are equal.
Tensor concat(std::span<const Tensor> tensors, int64_t dim = 0);
inline Tensor concat(std::initializer_list<Tensor> tensors, int64_t dim = 0) {
  return concat(std::span<const Tensor>(tensors.begin(), tensors.size()), dim);
}

// Tensors of one shape side by side in a new dimension `dim`.
Tensor stack(std::span<const Tensor> tensors, int64_t dim = 0);
inline Tensor stack(std::initializer_list<Tensor> tensors, int64_t dim = 0) {
  return stack(std::span<const Tensor>(tensors.begin(), tensors.size()), dim);
}

}  // namespace imago
