#include "imago/ops/silu/silu.h"

#include "imago/kernels/cpu/elementwise.h"
#include "imago/ops/elementwise_cpu.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/recomputable.h"

namespace imago {
namespace {

void silu_cpu(const op::Silu&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_floating(op::Silu::name, inputs[0].dtype(),
                    [&]<class T>() { map_blocks<T, T>(inputs[0], outputs[0], kernels::silu<T>); });
}

}  // namespace

void register_silu_cpu(KernelTable& table) {
  table.add<op::Silu, silu_cpu>(Device::kCPU, kFloatingDTypes);
  recompute_in_backward(op_info<op::Silu>());
}

}  // namespace imago
