#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// Per dimension: elements put before, behind and between the elements (negative `low` and `high` cut off).
struct Pad {
  static constexpr const char* name = "pad";
  Shape low, high, interior;
  double value;
  FIELDS(low, high, interior, value)
  TensorSpec check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// torch.nn.functional.pad with mode "constant": `pad` has pairs (before, behind) beginning at the last dimension.
Tensor pad(const Tensor& x, std::span<const int64_t> pad, double value = 0);
inline Tensor pad(const Tensor& x, std::initializer_list<int64_t> sizes, double value = 0) {
  return pad(x, std::span<const int64_t>(sizes.begin(), sizes.size()), value);
}

// Zeros before, behind and between the elements of one dimension.
Tensor pad_dim(const Tensor& x, int64_t dim, int64_t low, int64_t high, int64_t interior = 0);

}  // namespace imago
