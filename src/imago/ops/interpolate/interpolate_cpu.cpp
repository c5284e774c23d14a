#include <algorithm>

#include "imago/base/thread_pool.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/interpolate/resample.h"
#include "imago/ops/kernel_table.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// A dense tensor seen as [outer, size, inner] around one dimension.
struct Around {
  int64_t outer, inner;
};

Around around(const Tensor& x, int64_t dim) {
  const int d = static_cast<int>(dim);
  return {x.shape().sub(0, d).product(), x.shape().sub(d + 1, x.dim()).product()};
}

// Calls visit(outer, window, element, weight) for every term of every window; from several threads where outer differs.
template <class Op, class Visit>
void for_each_term(const Op& op, int64_t outer, int64_t work, Visit visit) {
  const size_t width = op.weights.size() / op.start.size();
  const int64_t grain = std::max<int64_t>(16384 / std::max<int64_t>(work, 1), 1);
  parallel_for(outer, grain, [&](int64_t i, int64_t end) {
    for (; i < end; ++i) {
      for (size_t o = 0; o < op.start.size(); ++o) {
        for (size_t k = 0; k < width; ++k) {
          const double weight = op.weights[o * width + k];
          if (weight != 0) visit(i, static_cast<int64_t>(o), op.start[o] + static_cast<int64_t>(k), weight);
        }
      }
    }
  });
}

template <class T>
void add_row(const T* from, Accumulator<T> weight, Accumulator<T>* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] += weight * static_cast<Accumulator<T>>(from[i]);
}

// Sums of half types are kept in float until they are complete.
template <class Op, class Visit>
void sum_windows(const Op& op, const Tensor& x, Tensor& output, Visit element_of) {
  const auto [outer, inner] = around(x, op.dim);
  const int64_t from_size = x.size(op.dim), to_size = output.size(op.dim);
  dispatch_floating(Op::name, x.dtype(), [&, outer = outer, inner = inner]<class T>() {
    using A = Accumulator<T>;
    const bool direct = std::is_same_v<T, A>;
    Tensor room = direct ? output : Tensor::empty(output.shape(), DTypeOf<A>::value);
    A* sums = room.data<A>();
    std::fill_n(sums, room.numel(), A(0));
    const T* from = x.const_data<T>();
    for_each_term(op, outer, static_cast<int64_t>(op.weights.size()) * inner,
                  [&](int64_t i, int64_t window, int64_t element, double weight) {
                    const auto [source, target] = element_of(window, element);
                    add_row(from + (i * from_size + source) * inner, static_cast<A>(weight),
                            sums + (i * to_size + target) * inner, inner);
                  });
    if (direct) return;
    T* to = output.data<T>();
    for (int64_t i = 0; i < output.numel(); ++i) to[i] = T(sums[i]);
  });
}

void resample_cpu(const op::Resample& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  sum_windows(op, contiguous(inputs[0]), outputs[0],
              [](int64_t window, int64_t element) { return std::pair(element, window); });
}

void resample_transpose_cpu(const op::ResampleTranspose& op, std::span<const Tensor> inputs,
                            std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  sum_windows(op, contiguous(inputs[0]), outputs[0],
              [](int64_t window, int64_t element) { return std::pair(window, element); });
}

}  // namespace

void register_interpolate_cpu(KernelTable& table) {
  table.add<op::Resample, resample_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::ResampleTranspose, resample_transpose_cpu>(Device::kCPU, kFloatingDTypes);
}

}  // namespace imago
