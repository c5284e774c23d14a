#include "imago/ops/gelu/gelu.h"

#include "imago/kernels/cpu/elementwise.h"
#include "imago/ops/elementwise_cpu.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/recomputable.h"

namespace imago {
namespace {

void gelu_cpu(const op::Gelu& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_floating(op::Gelu::name, inputs[0].dtype(), [&]<class T>() {
    map_blocks<T, T>(inputs[0], outputs[0], op.approximate == "tanh" ? kernels::gelu_tanh<T> : kernels::gelu<T>);
  });
}

}  // namespace

void register_gelu_cpu(KernelTable& table) {
  table.add<op::Gelu, gelu_cpu>(Device::kCPU, kFloatingDTypes);
  recompute_in_backward(op_info<op::Gelu>());
}

}  // namespace imago
