#include "imago/ops/where/where.h"

#include <bit>
#include <type_traits>

#include "imago/ops/elementwise_cpu.h"
#include "imago/ops/kernel_table.h"

namespace imago {
namespace {

template <size_t kBytes>
using UnsignedOf =
    std::conditional_t<kBytes == 8, uint64_t,
                       std::conditional_t<kBytes == 4, uint32_t, std::conditional_t<kBytes == 2, uint16_t, uint8_t>>>;

// Selected by bits: compilers make a branch of a conditional expression, which random conditions mispredict.
template <class T>
void select(const bool* condition, const T* a, const T* b, T* out, int64_t size) {
  using Bits = UnsignedOf<sizeof(T)>;
  for (int64_t i = 0; i < size; ++i) {
    const Bits mask = static_cast<Bits>(-static_cast<Bits>(condition[i]));
    const Bits bits = static_cast<Bits>((std::bit_cast<Bits>(a[i]) & mask) | (std::bit_cast<Bits>(b[i]) & ~mask));
    out[i] = std::bit_cast<T>(bits);
  }
}

void where_cpu(const op::Where& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor& y = outputs[0];
  if (y.numel() == 0) return;
  const StridedLoop<4> loop(
      y.shape(), {y.strides(), broadcast_strides(inputs[0], y.shape()), broadcast_strides(inputs[1], y.shape()),
                  broadcast_strides(inputs[2], y.shape())});
  const bool* condition = inputs[0].const_data<bool>();
  dispatch_computed(op.name, y.dtype(), [&]<class T>() {
    const T *a = inputs[1].const_data<T>(), *b = inputs[2].const_data<T>();
    T* out = y.data<T>();
    loop.run([&](const auto& offsets, const auto& strides, int64_t count) {
      internal::StagedOperand<bool> staged_condition(condition + offsets[1], strides[1], count);
      internal::StagedOperand<T> staged_a(a + offsets[2], strides[2], count),
          staged_b(b + offsets[3], strides[3], count);
      const bool dense = strides[1] == 1 && strides[2] == 1 && strides[3] == 1;
      internal::for_each_block(count, dense, [&](int64_t begin, int64_t size) {
        select(staged_condition.block(begin, size), staged_a.block(begin, size), staged_b.block(begin, size),
               out + offsets[0] + begin, size);
      });
    });
  });
}

}  // namespace

void register_where_cpu(KernelTable& table) { table.add<op::Where, where_cpu>(Device::kCPU, {DType::boolean}); }

}  // namespace imago
