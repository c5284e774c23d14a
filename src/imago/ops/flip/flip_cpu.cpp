#include "imago/ops/flip/flip.h"

#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// Negative strides stay inside this kernel: views do not have them.
void flip_cpu(const op::Flip& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor &x = inputs[0], &y = outputs[0];
  if (y.numel() == 0) return;
  Shape strides = x.strides();
  int64_t start = 0;
  for (int64_t dim : op.dims) {
    const int d = static_cast<int>(dim);
    start += (x.shape()[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  const StridedLoop<2> loop(y.shape(), {y.strides(), strides});
  dispatch_all(x.dtype(), [&]<class T>() {
    const T* source = x.const_data<T>() + start;
    T* target = y.data<T>();
    loop.run([=](const auto& offsets, const auto& steps, int64_t count) {
      for (int64_t i = 0; i < count; ++i) target[offsets[0] + i] = source[offsets[1] + i * steps[1]];
    });
  });
}

}  // namespace

void register_flip_cpu(KernelTable& table) { table.add<op::Flip, flip_cpu>(Device::kCPU, kAllDTypes); }

}  // namespace imago
