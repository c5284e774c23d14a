#include "imago/ops/concat/concat.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_copy.h"

namespace imago {
namespace {

void concat_cpu(const op::Concat& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor& y = outputs[0];
  const int d = static_cast<int>(op.dim);
  int64_t start = 0;
  for (const Tensor& x : inputs) {
    if (x.numel() > 0) strided_copy_cpu(y.alias(x.shape(), y.strides(), y.offset() + start * y.strides()[d]), x);
    start += x.shape()[d];
  }
}

}  // namespace

void register_concat_cpu(KernelTable& table) { table.add<op::Concat, concat_cpu>(Device::kCPU, kAllDTypes); }

}  // namespace imago
