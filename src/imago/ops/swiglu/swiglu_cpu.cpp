#include "imago/ops/swiglu/swiglu.h"

#include "imago/kernels/cpu/elementwise.h"
#include "imago/ops/elementwise_cpu.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/recomputable.h"

namespace imago {
namespace {

void swiglu_cpu(const op::Swiglu&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_floating(op::Swiglu::name, inputs[0].dtype(),
                    [&]<class T>() { map_blocks<T, T>(inputs[0], inputs[1], outputs[0], kernels::silu_multiply<T>); });
}

}  // namespace

void register_swiglu_cpu(KernelTable& table) {
  table.add<op::Swiglu, swiglu_cpu>(Device::kCPU, kFloatingDTypes);
  recompute_in_backward(op_info<op::Swiglu>());
}

}  // namespace imago
