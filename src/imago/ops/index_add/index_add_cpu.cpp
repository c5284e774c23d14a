#include "imago/ops/index_add/index_add.h"

#include "imago/ops/gather/gather_cpu.h"
#include "imago/ops/kernel_table.h"

namespace imago {
namespace {

void index_add_cpu(const op::IndexAdd& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor &x = inputs[0], &index = inputs[1], &source = inputs[2];
  const int d = static_cast<int>(op.dim);
  require_index_range(op.name, index, x.shape()[d]);
  scatter_add_to_copy(outputs[0], x, d, spread_index(index, source.shape(), d), source);
}

}  // namespace

void register_index_add_cpu(KernelTable& table) {
  table.add<op::IndexAdd, index_add_cpu>(Device::kCPU, kComputedDTypes);
}

}  // namespace imago
