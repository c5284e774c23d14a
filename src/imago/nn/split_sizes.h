// Parts of one tensor that belong to several pictures.
#pragma once

#include <span>

#include "imago/tensor/tensor.h"

namespace imago::nn {

// Views of consecutive parts along `dim`, of these sizes: split() of any number of parts.
Tensors split_sizes(const Tensor& x, std::span<const int64_t> sizes, int64_t dim);

}  // namespace imago::nn
