#include "imago/ops/group_norm/group_norm.h"

#include "imago/kernels/cpu/norm.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/row_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// One group, whose `channels` share a mean, of `positions` each. `wide` is room for it in the accumulator's type.
template <class T, class A = Accumulator<T>>
void normalize_group(const T* from, const A* weight, const A* bias, A* wide, T* to, int64_t channels, int64_t positions,
                     double eps) {
  const int64_t size = channels * positions;
  for (int64_t i = 0; i < size; ++i) wide[i] = static_cast<A>(from[i]);
  kernels::layer_norm_rows<A>(wide, nullptr, nullptr, wide, 1, size, eps);
  for (int64_t c = 0; c < channels; ++c) {
    const A factor = weight != nullptr ? weight[c] : A(1), shift = bias != nullptr ? bias[c] : A(0);
    for (int64_t i = c * positions; i < (c + 1) * positions; ++i) to[i] = T(wide[i] * factor + shift);
  }
}

void group_norm_cpu(const op::GroupNorm& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  const Tensor x = contiguous(inputs[0]);
  const Tensor weight = inputs[1].defined() ? contiguous(widen(inputs[1])) : inputs[1];
  const Tensor bias = inputs[2].defined() ? contiguous(widen(inputs[2])) : inputs[2];
  const int64_t channels = x.size(1) / op.num_groups, positions = x.numel() / (x.size(0) * x.size(1));
  const int64_t size = channels * positions, groups = x.size(0) * op.num_groups;
  dispatch_floating(op::GroupNorm::name, x.dtype(), [&]<class T>() {
    using A = Accumulator<T>;
    const T* from = x.const_data<T>();
    T* to = outputs[0].data<T>();
    // The half types need room; the others are normalised where they end up.
    Tensor room = std::is_same_v<T, A> ? outputs[0] : Tensor::empty(x.shape(), DTypeOf<A>::value);
    A* wide = room.data<A>();
    for_rows(groups, size, [&](int64_t begin, int64_t end) {
      for (int64_t group = begin; group < end; ++group) {
        const int64_t first = group % op.num_groups * channels;
        normalize_group<T>(from + group * size, weight.defined() ? weight.const_data<A>() + first : nullptr,
                           bias.defined() ? bias.const_data<A>() + first : nullptr, wide + group * size,
                           to + group * size, channels, positions, op.eps);
      }
    });
  });
}

}  // namespace

void register_group_norm_cpu(KernelTable& table) {
  table.add<op::GroupNorm, group_norm_cpu>(Device::kCPU, kFloatingDTypes);
}

}  // namespace imago
