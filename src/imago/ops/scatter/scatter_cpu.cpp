#include "imago/ops/scatter/scatter.h"

#include "imago/ops/gather/gather_cpu.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_copy.h"

namespace imago {
namespace {

// The part of the source that the index speaks of.
Tensor used_part(const Tensor& source, const Tensor& index) {
  return source.alias(index.shape(), source.strides(), source.offset());
}

void scatter_cpu(const op::Scatter& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor &x = inputs[0], &index = inputs[1];
  require_index_range(op.name, index, x.dim() == 0 ? 1 : x.size(op.dim));
  strided_copy_cpu(outputs[0], x);
  scatter_along(outputs[0], static_cast<int>(op.dim), index, used_part(inputs[2], index));
}

void scatter_add_cpu(const op::ScatterAdd& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor &x = inputs[0], &index = inputs[1];
  require_index_range(op.name, index, x.dim() == 0 ? 1 : x.size(op.dim));
  scatter_add_to_copy(outputs[0], x, static_cast<int>(op.dim), index, used_part(inputs[2], index));
}

}  // namespace

void register_scatter_cpu(KernelTable& table) {
  table.add<op::Scatter, scatter_cpu>(Device::kCPU, kAllDTypes);
  table.add<op::ScatterAdd, scatter_add_cpu>(Device::kCPU, kComputedDTypes);
}

}  // namespace imago
