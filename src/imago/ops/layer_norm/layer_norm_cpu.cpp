#include "imago/ops/layer_norm/layer_norm.h"

#include "imago/kernels/cpu/norm.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/recomputable.h"
#include "imago/ops/row_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

void layer_norm_cpu(const op::LayerNorm& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  const Tensor x = contiguous(inputs[0]);
  const Tensor weight = inputs[1].defined() ? contiguous(inputs[1]) : inputs[1];
  const Tensor bias = inputs[2].defined() ? contiguous(inputs[2]) : inputs[2];
  const int64_t size = op.normalized_shape.product();
  dispatch_floating(op::LayerNorm::name, x.dtype(), [&]<class T>() {
    const T* from = x.const_data<T>();
    const T* weights = weight.defined() ? weight.const_data<T>() : nullptr;
    const T* biases = bias.defined() ? bias.const_data<T>() : nullptr;
    T* to = outputs[0].data<T>();
    for_rows(x.numel() / size, size, [&](int64_t begin, int64_t end) {
      kernels::layer_norm_rows(from + begin * size, weights, biases, to + begin * size, end - begin, size, op.eps);
    });
  });
}

}  // namespace

void register_layer_norm_cpu(KernelTable& table) {
  table.add<op::LayerNorm, layer_norm_cpu>(Device::kCPU, kFloatingDTypes);
  recompute_in_backward(op_info<op::LayerNorm>());
}

}  // namespace imago
