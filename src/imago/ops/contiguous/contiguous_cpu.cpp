#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_copy.h"

namespace imago {
namespace {

void contiguous_cpu(const op::Contiguous&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  strided_copy_cpu(outputs[0], inputs[0]);
}

}  // namespace

void register_contiguous_cpu(KernelTable& table) {
  table.add<op::Contiguous, contiguous_cpu>(Device::kCPU, kAllDTypes);
}

}  // namespace imago
