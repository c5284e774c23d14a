#include <algorithm>

#include "imago/ops/kernel_table.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/strided_copy.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

void pad_cpu(const op::Pad& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  Tensor source = inputs[0], target = outputs[0];
  dispatch_all(target.dtype(),
               [&]<class T>() { std::fill_n(target.data<T>(), target.numel(), convert_scalar<T>(op.value)); });
  // Both are narrowed to the elements that survive; between them the target is strided.
  for (int d = 0; d < source.dim(); ++d) {
    const int64_t step = op.interior[d] + 1, size = source.shape()[d];
    const int64_t first = (std::max<int64_t>(-op.low[d], 0) + step - 1) / step;
    const int64_t last = size == 0 ? -1 : ((size - 1) * step - std::max<int64_t>(-op.high[d], 0)) / step;
    const int64_t kept = last - first + 1;
    if (size == 0 || kept <= 0) return;
    Shape shape = source.shape();
    shape[d] = kept;
    source = source.alias(shape, source.strides(), source.offset() + first * source.strides()[d]);
    Shape target_shape = target.shape(), target_strides = target.strides();
    target_shape[d] = kept;
    target_strides[d] *= step;
    target =
        target.alias(target_shape, target_strides, target.offset() + (first * step + op.low[d]) * target.strides()[d]);
  }
  strided_copy_cpu(target, source);
}

}  // namespace

void register_pad_cpu(KernelTable& table) { table.add<op::Pad, pad_cpu>(Device::kCPU, kAllDTypes); }

}  // namespace imago
