#include "imago/ops/rms_norm/rms_norm.h"

#include "imago/kernels/cpu/elementwise.h"
#include "imago/kernels/cpu/norm.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/recomputable.h"
#include "imago/ops/row_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

void rms_norm_cpu(const op::RMSNorm& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  const Tensor x = contiguous(inputs[0]), weight = inputs[1].defined() ? contiguous(inputs[1]) : inputs[1];
  const int64_t size = x.size(-1);
  dispatch_floating(op::RMSNorm::name, x.dtype(), [&]<class T>() {
    const T* from = x.const_data<T>();
    const T* weights = weight.defined() ? weight.const_data<T>() : nullptr;
    T* to = outputs[0].data<T>();
    const bool round_first = sizeof(T) == 2 && weights != nullptr && !op.weight_in_float;
    for_rows(x.numel() / size, size, [&](int64_t begin, int64_t end) {
      const double offset = weights != nullptr ? op.weight_offset : 0;
      kernels::rms_norm_rows(from + begin * size, round_first ? nullptr : weights, to + begin * size, end - begin, size,
                             op.eps, offset);
      if (!round_first) return;
      for (int64_t row = begin; row < end; ++row) kernels::multiply(to + row * size, weights, to + row * size, size);
    });
  });
}

}  // namespace

void register_rms_norm_cpu(KernelTable& table) {
  table.add<op::RMSNorm, rms_norm_cpu>(Device::kCPU, kFloatingDTypes);
  recompute_in_backward(op_info<op::RMSNorm>());
}

}  // namespace imago
