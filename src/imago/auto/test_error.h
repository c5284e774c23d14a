// How far two tensors are apart, for tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

// The largest difference over the root mean square of what is expected.
inline double error_of(const Tensor& actual, const Tensor& expected) {
  const std::vector<double> a = actual.to_vector<double>(), b = expected.to_vector<double>();
  double worst = 0, squares = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
    squares += b[i] * b[i];
  }
  return worst / std::sqrt(squares / static_cast<double>(b.size()));
}

}  // namespace imago
