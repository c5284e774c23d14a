#include "imago/ops/cast/cast.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/recomputable.h"
#include "imago/ops/strided_copy.h"

namespace imago {
namespace {

void cast_cpu(const op::Cast&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  strided_copy_cpu(outputs[0], inputs[0]);
}

}  // namespace

void register_cast_cpu(KernelTable& table) {
  table.add<op::Cast, cast_cpu>(Device::kCPU, kAllDTypes);
  // What was widened takes less as it was. (Rounded weights are kept by whoever rounded them, for a whole pass.)
  recompute_in_backward(op_info<op::Cast>(), [](const void* op) {
    const DType dtype = static_cast<const op::Cast*>(op)->dtype;
    return dtype == DType::f32 || dtype == DType::f64;
  });
}

}  // namespace imago
