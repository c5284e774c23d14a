// What the kernels share that work on whole rows along one dimension.
#pragma once

#include <algorithm>
#include <utility>

#include "imago/base/thread_pool.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/strided_copy.h"

namespace imago {

// Calls body(begin, end) for ranges of rows, each range large enough for a thread of its own.
template <class Body>
void for_rows(int64_t rows, int64_t size, Body&& body) {
  parallel_for(rows, std::max<int64_t>(16384 / std::max<int64_t>(size, 1), 1), std::forward<Body>(body));
}

// Calls compute(x, y) with dense tensors whose last dimension is `dim` of input and output, which have one shape.
template <class Compute>
void with_last_dim(const Tensor& input, Tensor& output, int64_t dim, Compute&& compute) {
  if (dim == input.dim() - 1 || input.dim() == 0) return compute(contiguous(input), output);
  const Tensor x = contiguous(transpose(input, dim, -1));
  Tensor y = Tensor::empty(x.shape(), output.dtype());
  compute(x, y);
  strided_copy_cpu(output, transpose(y, dim, -1));
}

}  // namespace imago
