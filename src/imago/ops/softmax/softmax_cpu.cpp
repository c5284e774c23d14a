#include "imago/kernels/cpu/softmax.h"

#include "imago/ops/kernel_table.h"
#include "imago/ops/row_loop.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

template <class Op>
void softmax_cpu(const Op& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  with_last_dim(inputs[0], outputs[0], op.dim, [](const Tensor& x, Tensor& y) {
    const int64_t size = x.dim() == 0 ? 1 : x.size(-1);
    dispatch_floating(Op::name, x.dtype(), [&]<class T>() {
      const T* from = x.const_data<T>();
      T* to = y.data<T>();
      for_rows(x.numel() / size, size, [&](int64_t begin, int64_t end) {
        if constexpr (std::is_same_v<Op, op::Softmax>) {
          kernels::softmax_rows(from + begin * size, to + begin * size, end - begin, size);
        } else {
          kernels::log_softmax_rows(from + begin * size, to + begin * size, end - begin, size);
        }
      });
    });
  });
}

}  // namespace

void register_softmax_cpu(KernelTable& table) {
  table.add<op::Softmax, softmax_cpu<op::Softmax>>(Device::kCPU, kFloatingDTypes);
  table.add<op::LogSoftmax, softmax_cpu<op::LogSoftmax>>(Device::kCPU, kFloatingDTypes);
}

}  // namespace imago
