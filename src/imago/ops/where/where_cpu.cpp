#include "imago/ops/where/where.h"

#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

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
      for (int64_t i = 0; i < count; ++i) {
        out[offsets[0] + i] =
            condition[offsets[1] + i * strides[1]] ? a[offsets[2] + i * strides[2]] : b[offsets[3] + i * strides[3]];
      }
    });
  });
}

}  // namespace

void register_where_cpu(KernelTable& table) { table.add<op::Where, where_cpu>(Device::kCPU, {DType::boolean}); }

}  // namespace imago
