// Weighted sums over windows of one dimension: what interpolation and average pooling are made of, dimension by
// dimension.
#pragma once

#include <vector>

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// y[o] = sum over k of weights[o * width + k] x[start[o] + k] along `dim`, where width is weights.size() /
// start.size(). Weights behind the end of x are 0.
struct Resample {
  static constexpr const char* name = "resample";
  int64_t dim;
  std::vector<int64_t> start;
  std::vector<double> weights;
  FIELDS(dim, start, weights)
  TensorSpec check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

// Its transpose, from y back to `size` elements of x, and so its gradient.
struct ResampleTranspose {
  static constexpr const char* name = "resample_transpose";
  int64_t dim, size;
  std::vector<int64_t> start;
  std::vector<double> weights;
  FIELDS(dim, size, start, weights)
  TensorSpec check(const Tensor& y) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// What one element of a result is made of.
struct WeightedIndex {
  int64_t index;
  double weight;
};

// Element o along `dim` becomes the weighted sum of the elements elements[o] lists, of which none lies outside.
Tensor resample(const Tensor& x, int64_t dim, const std::vector<std::vector<WeightedIndex>>& elements);

}  // namespace imago
