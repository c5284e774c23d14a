#include "imago/ops/index_select/index_select.h"

#include "imago/ops/gather/gather_cpu.h"
#include "imago/ops/kernel_table.h"

namespace imago {
namespace {

void index_select_cpu(const op::IndexSelect& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor &x = inputs[0], &index = inputs[1];
  const int d = static_cast<int>(op.dim);
  require_index_range(op.name, index, x.shape()[d]);
  gather_along(outputs[0], x, d, spread_index(index, outputs[0].shape(), d));
}

}  // namespace

void register_index_select_cpu(KernelTable& table) {
  table.add<op::IndexSelect, index_select_cpu>(Device::kCPU, kAllDTypes);
}

}  // namespace imago
