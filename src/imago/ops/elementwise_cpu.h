// Elementwise operations on strided CPU tensors, from functions on contiguous blocks. Operands that are not contiguous
// are staged through small buffers, so that a kernel is vectorised, and gives the same bits, whatever the strides are.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

#include "imago/ops/strided_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {

// Lists for KernelTable::add besides those of kernel_table.h.
inline constexpr std::initializer_list<DType> kNumberDTypes = {
    DType::f64, DType::f32, DType::f16, DType::bf16, DType::i64, DType::i32, DType::i16, DType::i8, DType::u8};
inline constexpr std::initializer_list<DType> kIntegralOrBoolDTypes = {DType::i64, DType::i32, DType::i16,
                                                                       DType::i8,  DType::u8,  DType::boolean};

// Small enough for several buffers to stay in the first-level cache.
inline constexpr int64_t kElementwiseBlock = 512;

namespace internal {

// One operand of a run: hands out contiguous blocks of it.
template <class T>
class StagedOperand {
 public:
  StagedOperand(const T* data, int64_t stride, int64_t count) : data_(data), stride_(stride) {
    if (stride == 0 && count > 1) std::fill_n(buffer_.data(), std::min(count, kElementwiseBlock), *data);
  }

  const T* block(int64_t begin, int64_t count) {
    if (stride_ == 1 || count == 1) return data_ + begin * stride_;
    if (stride_ != 0) {
      for (int64_t i = 0; i < count; ++i) buffer_[static_cast<size_t>(i)] = data_[(begin + i) * stride_];
    }
    return buffer_.data();
  }

 private:
  const T* data_;
  int64_t stride_;
  std::array<T, kElementwiseBlock> buffer_;
};

// Blocks of a run of `count` elements; one block where nothing needs staging.
template <class Visit>
void for_each_block(int64_t count, bool dense, Visit&& visit) {
  const int64_t block = dense ? count : kElementwiseBlock;
  for (int64_t begin = 0; begin < count; begin += block) visit(begin, std::min(block, count - begin));
}

}  // namespace internal

// block(const In* x, Out* y, int64_t count) computes y[i] from x[i]. `y` is dense.
template <class In, class Out, class Block>
void map_blocks(const Tensor& x, const Tensor& y, Block block) {
  if (y.numel() == 0) return;
  const In* in = x.const_data<In>();
  Out* out = y.data<Out>();
  const StridedLoop<2> loop(y.shape(), {y.strides(), x.strides()});
  loop.run([&](const auto& offsets, const auto& strides, int64_t count) {
    internal::StagedOperand<In> operand(in + offsets[1], strides[1], count);
    internal::for_each_block(count, strides[1] == 1, [&](int64_t begin, int64_t size) {
      block(operand.block(begin, size), out + offsets[0] + begin, size);
    });
  });
}

// block(const In* a, const In* b, Out* y, int64_t count). `a` and `b` broadcast to the shape of `y`, which is dense.
template <class In, class Out, class Block>
void map_blocks(const Tensor& a, const Tensor& b, const Tensor& y, Block block) {
  if (y.numel() == 0) return;
  const In* in_a = a.const_data<In>();
  const In* in_b = b.const_data<In>();
  Out* out = y.data<Out>();
  const StridedLoop<3> loop(y.shape(), {y.strides(), broadcast_strides(a, y.shape()), broadcast_strides(b, y.shape())});
  loop.run([&](const auto& offsets, const auto& strides, int64_t count) {
    internal::StagedOperand<In> operand_a(in_a + offsets[1], strides[1], count);
    internal::StagedOperand<In> operand_b(in_b + offsets[2], strides[2], count);
    internal::for_each_block(count, strides[1] == 1 && strides[2] == 1, [&](int64_t begin, int64_t size) {
      block(operand_a.block(begin, size), operand_b.block(begin, size), out + offsets[0] + begin, size);
    });
  });
}

// What one element of T is computed in: float for the half types.
template <class T>
using Compute = std::conditional_t<std::is_arithmetic_v<T>, T, float>;

// The same from functions of one element: y = f(x), y = f(a, b).
template <class In, class Out, class F>
void map_elements(const Tensor& x, const Tensor& y, F f) {
  map_blocks<In, Out>(x, y, [f](const In* in, Out* out, int64_t count) {
    for (int64_t i = 0; i < count; ++i) out[i] = convert_scalar<Out>(f(convert_scalar<Compute<In>>(in[i])));
  });
}

template <class In, class Out, class F>
void map_elements(const Tensor& a, const Tensor& b, const Tensor& y, F f) {
  map_blocks<In, Out>(a, b, y, [f](const In* in_a, const In* in_b, Out* out, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      out[i] = convert_scalar<Out>(f(convert_scalar<Compute<In>>(in_a[i]), convert_scalar<Compute<In>>(in_b[i])));
    }
  });
}

}  // namespace imago
