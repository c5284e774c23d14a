// Which input elements each output element of a pooling sees, along one dimension.
#pragma once

#include <cstdint>
#include <vector>

#include "imago/ops/pooling/pooling.h"

namespace imago {

// Elements begin, begin + step, ... below end, all of them inside the input.
struct PoolWindow {
  int64_t begin, end, step;
};

std::vector<PoolWindow> windows_of(const op::MaxPool& op, const Tensor& x, int dim);
std::vector<PoolWindow> windows_of(const op::AdaptiveMaxPool& op, const Tensor& x, int dim);

}  // namespace imago
