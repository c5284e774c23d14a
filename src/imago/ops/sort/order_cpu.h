// The order of elements that sort and topk share, and their walk over lines along one dimension.
#pragma once

#include <algorithm>
#include <cstdint>

#include "imago/base/thread_pool.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/strided_copy.h"
#include "imago/tensor/dispatch.h"

namespace imago {

// Whether line[a] comes before line[b]: the larger first where `descending`. NaN is larger than every number.
template <class T>
struct ComesBefore {
  const T* line;
  bool descending;

  bool operator()(int64_t a, int64_t b) const {
    const auto x = convert_scalar<Compute<T>>(line[descending ? b : a]);
    const auto y = convert_scalar<Compute<T>>(line[descending ? a : b]);
    return x < y || (y != y && x == x);
  }

 private:
  template <class U>
  using Compute = std::conditional_t<std::is_arithmetic_v<U>, U, float>;
};

// Calls choose(line, size, indices, count), which writes the `count` chosen indices of each line of `size` elements
// along `dim`; then fills in the values.
template <class T, class Choose>
void choose_along(const Tensor& x, int64_t dim, Tensor& values, Tensor& indices, Choose choose) {
  if (values.numel() == 0) return;
  const bool last = dim == x.dim() - 1;
  const Tensor lines = contiguous(last ? x : transpose(x, dim, -1));
  const int64_t size = lines.size(-1), count = values.size(dim);
  const Shape chosen_shape = last ? values.shape() : transpose(values, dim, -1).shape();
  const Tensor chosen_values = last ? values : Tensor::empty(chosen_shape, values.dtype());
  const Tensor chosen_indices = last ? indices : Tensor::empty(chosen_shape, DType::i64);
  const T* from = lines.const_data<T>();
  T* to = chosen_values.template data<T>();
  int64_t* index = chosen_indices.template data<int64_t>();
  parallel_for(values.numel() / count, std::max<int64_t>(2048 / size, 1), [=](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      choose(from + line * size, size, index + line * count, count);
      for (int64_t i = 0; i < count; ++i) to[line * count + i] = from[line * size + index[line * count + i]];
    }
  });
  if (last) return;
  strided_copy_cpu(values, transpose(chosen_values, dim, -1));
  strided_copy_cpu(indices, transpose(chosen_indices, dim, -1));
}

}  // namespace imago
