#include "imago/ops/cast/cast.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_copy.h"

namespace imago {
namespace {

void cast_cpu(const op::Cast&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  strided_copy_cpu(outputs[0], inputs[0]);
}

}  // namespace

void register_cast_cpu(KernelTable& table) { table.add<op::Cast, cast_cpu>(Device::kCPU, kAllDTypes); }

}  // namespace imago
