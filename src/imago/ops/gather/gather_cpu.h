// Loops over elements chosen by an index tensor on the CPU: what gather, scatter, index_select and index_add share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "imago/ops/strided_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {

// Throws Error kInvalidArgument, naming the first culprit, unless every index lies in [0, size).
void require_index_range(const char* where, const Tensor& index, int64_t size);

// `index`, which has one dimension, seen as `shape`, in which it runs along `dim` and is repeated along the others.
Tensor spread_index(const Tensor& index, const Shape& shape, int dim);

// The strides of `x` with that of `dim`, which the index walks, left out.
Shape strides_without(const Tensor& x, int dim);

// visit(chosen, other): for every index i the element of `chosen` at i along `dim` with that of `other` (which has the
// shape of `index`) in the index's place. Indices are in range.
template <class Index, class Chosen, class Other, class Visit>
void for_each_chosen(const Tensor& index, Chosen* chosen, const Tensor& chosen_tensor, int dim, Other* other,
                     const Tensor& other_tensor, bool parallel, Visit visit) {
  const Index* indices = index.const_data<Index>();
  const int64_t step = chosen_tensor.dim() == 0 ? 0 : chosen_tensor.strides()[dim];
  const StridedLoop<3> loop(index.shape(),
                            {index.strides(), strides_without(chosen_tensor, dim), other_tensor.strides()});
  const auto inner = [=](const auto& offsets, const auto& strides, int64_t count) {
    if (strides[0] == 0) {  // a row of one index: plain copying, which the compiler vectorises
      Chosen* row = chosen + offsets[1] + static_cast<int64_t>(indices[offsets[0]]) * step;
      for (int64_t i = 0; i < count; ++i) visit(row[i * strides[1]], other[offsets[2] + i * strides[2]]);
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t position = static_cast<int64_t>(indices[offsets[0] + i * strides[0]]);
      visit(chosen[offsets[1] + i * strides[1] + position * step], other[offsets[2] + i * strides[2]]);
    }
  };
  if (parallel) {
    loop.run(inner);
  } else {
    loop.run_range(0, index.numel(), inner);
  }
}

// y[...] = x[..., index, ...]
void gather_along(const Tensor& y, const Tensor& x, int dim, const Tensor& index);

// y[..., index, ...] = source[...], in order, so that the last of equal indices wins.
void scatter_along(const Tensor& y, int dim, const Tensor& index, const Tensor& source);

// y = x, then y[..., index, ...] += source[...], in order, so that sums are reproducible. Half types are summed in
// float and rounded once.
void scatter_add_to_copy(const Tensor& y, const Tensor& x, int dim, const Tensor& index, const Tensor& source);

}  // namespace imago
