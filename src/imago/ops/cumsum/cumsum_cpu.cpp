#include "imago/ops/cumsum/cumsum.h"

#include "imago/ops/integer_arithmetic.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

void cumsum_cpu(const op::CumSum& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor &x = inputs[0], &y = outputs[0];
  if (y.numel() == 0) return;
  const int d = static_cast<int>(op.dim);
  const int64_t size = x.shape()[d], x_step = x.strides()[d], y_step = y.strides()[d];
  Shape lines = x.shape();
  lines[d] = 1;
  const StridedLoop<2> loop(lines, {y.strides(), x.strides()});
  dispatch_computed(op.name, x.dtype(), [&]<class T>() {
    using Out = std::conditional_t<std::is_integral_v<T>, int64_t, T>;
    using Sum = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    const T* from = x.const_data<T>();
    Out* to = y.data<Out>();
    const auto inner = [=](const auto& offsets, const auto& strides, int64_t count) {
      for (int64_t line = 0; line < count; ++line) {
        const T* in = from + offsets[1] + line * strides[1];
        Out* out = to + offsets[0] + line * strides[0];
        Sum sum = 0;
        for (int64_t i = 0; i < size; ++i) {
          sum = wrapping_add(sum, convert_scalar<Sum>(in[i * x_step]));
          out[i * y_step] = convert_scalar<Out>(sum);
        }
      }
    };
    loop.run(inner, std::max<int64_t>(16384 / size, 1));
  });
}

}  // namespace

void register_cumsum_cpu(KernelTable& table) { table.add<op::CumSum, cumsum_cpu>(Device::kCPU, kComputedDTypes); }

}  // namespace imago
