// Element loops over strided, broadcast tensors on the CPU: dimensions that can be are merged, the rest is walked, and
// the innermost run is handed to the kernel as pointers' offsets and strides.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "imago/base/thread_pool.h"
#include "imago/tensor/tensor.h"

namespace imago {

// Strides of `tensor` seen with `shape`: 0 along the dimensions it is broadcast over.
Shape broadcast_strides(const Tensor& tensor, const Shape& shape);

// N operands, walked together over one shape.
template <int N>
class StridedLoop {
 public:
  using Offsets = std::array<int64_t, N>;

  // Each of `strides` has shape's number of dimensions.
  StridedLoop(const Shape& shape, const std::array<Shape, N>& strides) {
    for (int d = 0; d < shape.size(); ++d) {
      if (shape[d] == 1) continue;
      if (shape_.size() > 0 && merges(shape[d], strides, d)) {
        shape_[shape_.size() - 1] *= shape[d];
        for (int n = 0; n < N; ++n) last(n) = strides[index(n)][d];
      } else {
        shape_.push_back(shape[d]);
        for (int n = 0; n < N; ++n) strides_[index(n)].push_back(strides[index(n)][d]);
      }
    }
    if (shape_.empty()) {
      shape_.push_back(1);
      for (int n = 0; n < N; ++n) strides_[index(n)].push_back(0);
    }
    numel_ = shape.product();
  }

  // Calls inner(offsets, strides, count) for runs that cover every element once, from several threads where it pays.
  // `grain` is how many elements one thread should have at least.
  template <class Inner>
  void run(Inner inner, int64_t grain = 16384) const {
    parallel_for(numel_, grain, [&](int64_t begin, int64_t end) { run_range(begin, end, inner); });
  }

  // The same for elements [begin, end) in row-major order, on this thread.
  template <class Inner>
  void run_range(int64_t begin, int64_t end, Inner&& inner) const {
    if (begin >= end) return;
    const int inner_dim = shape_.size() - 1;
    const int64_t row = shape_[inner_dim];
    Offsets inner_strides;
    for (int n = 0; n < N; ++n) inner_strides[index(n)] = strides_[index(n)][inner_dim];
    Shape position = Shape::filled(shape_.size(), 0);
    Offsets offsets{};
    int64_t rest = begin;
    for (int d = inner_dim; d >= 0; --d) {
      position[d] = rest % shape_[d];
      rest /= shape_[d];
      for (int n = 0; n < N; ++n) offsets[index(n)] += position[d] * strides_[index(n)][d];
    }
    while (begin < end) {
      const int64_t count = std::min(row - position[inner_dim], end - begin);
      inner(offsets, inner_strides, count);
      begin += count;
      if (begin < end) advance(offsets, position, count);
    }
  }

 private:
  static constexpr size_t index(int n) { return static_cast<size_t>(n); }
  int64_t& last(int n) { return strides_[index(n)][strides_[index(n)].size() - 1]; }

  bool merges(int64_t size, const std::array<Shape, N>& strides, int d) const {
    for (int n = 0; n < N; ++n) {
      if (strides_[index(n)].back() != strides[index(n)][d] * size) return false;
    }
    return true;
  }

  void advance(Offsets& offsets, Shape& position, int64_t count) const {
    const int inner_dim = shape_.size() - 1;
    position[inner_dim] += count;
    for (int n = 0; n < N; ++n) offsets[index(n)] += count * strides_[index(n)][inner_dim];
    for (int d = inner_dim; d > 0 && position[d] == shape_[d]; --d) {
      position[d] = 0;
      ++position[d - 1];
      for (int n = 0; n < N; ++n) {
        offsets[index(n)] += strides_[index(n)][d - 1] - shape_[d] * strides_[index(n)][d];
      }
    }
  }

  Shape shape_;
  std::array<Shape, N> strides_;
  int64_t numel_ = 0;
};

}  // namespace imago
