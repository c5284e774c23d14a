#include "imago/ops/cumulative/cumulative.h"

#include "imago/ops/integer_arithmetic.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// y[i] = combine(y[i - 1], x[i]) along dimension d, beginning with `initial`.
template <class Combine>
void accumulate_along(const char* name, const Tensor& x, const Tensor& y, int d, int initial, Combine combine) {
  if (y.numel() == 0) return;
  const int64_t size = x.shape()[d], x_step = x.strides()[d], y_step = y.strides()[d];
  Shape lines = x.shape();
  lines[d] = 1;
  const StridedLoop<2> loop(lines, {y.strides(), x.strides()});
  dispatch_computed(name, x.dtype(), [&]<class T>() {
    using Out = std::conditional_t<std::is_integral_v<T>, int64_t, T>;
    using Carry = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    const T* from = x.const_data<T>();
    Out* to = y.data<Out>();
    const auto inner = [=](const auto& offsets, const auto& strides, int64_t count) {
      for (int64_t line = 0; line < count; ++line) {
        const T* in = from + offsets[1] + line * strides[1];
        Out* out = to + offsets[0] + line * strides[0];
        Carry carry = static_cast<Carry>(initial);
        for (int64_t i = 0; i < size; ++i) {
          carry = combine(carry, convert_scalar<Carry>(in[i * x_step]));
          out[i * y_step] = convert_scalar<Out>(carry);
        }
      }
    };
    loop.run(inner, std::max<int64_t>(16384 / size, 1));
  });
}

void cumsum_cpu(const op::CumSum& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  accumulate_along(op.name, inputs[0], outputs[0], static_cast<int>(op.dim), 0,
                   [](auto a, auto b) { return wrapping_add(a, b); });
}

void cumprod_cpu(const op::CumProd& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  accumulate_along(op.name, inputs[0], outputs[0], static_cast<int>(op.dim), 1,
                   [](auto a, auto b) { return wrapping_multiply(a, b); });
}

}  // namespace

void register_cumulative_cpu(KernelTable& table) {
  table.add<op::CumSum, cumsum_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::CumProd, cumprod_cpu>(Device::kCPU, kComputedDTypes);
}

}  // namespace imago
