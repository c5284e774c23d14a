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

// A term of a window: to[target] += weight * from[source].
template <class A>
struct Term {
  int64_t source, target;
  A weight;
};

// All terms with a weight, window by window; `transposed` ones go from windows to elements.
template <class A, class Op>
std::vector<Term<A>> terms_of(const Op& op, bool transposed) {
  const size_t width = op.weights.size() / op.start.size();
  std::vector<Term<A>> terms;
  terms.reserve(op.weights.size());
  for (size_t o = 0; o < op.start.size(); ++o) {
    for (size_t k = 0; k < width; ++k) {
      const double weight = op.weights[o * width + k];
      const int64_t window = static_cast<int64_t>(o), element = op.start[o] + static_cast<int64_t>(k);
      if (weight == 0) continue;
      terms.push_back({transposed ? window : element, transposed ? element : window, static_cast<A>(weight)});
    }
  }
  return terms;
}

// Sums of half types are kept in float until they are complete.
template <class T, class A = Accumulator<T>>
void sum_terms(const std::vector<Term<A>>& terms, const T* from, A* to, int64_t inner) {
  if (inner == 1) {
    for (const Term<A>& term : terms) to[term.target] += term.weight * static_cast<A>(from[term.source]);
    return;
  }
  for (const Term<A>& term : terms) {
    const T* source = from + term.source * inner;
    A* target = to + term.target * inner;
    for (int64_t i = 0; i < inner; ++i) target[i] += term.weight * static_cast<A>(source[i]);
  }
}

template <class Op>
void sum_windows(const Op& op, const Tensor& x, Tensor& output, bool transposed) {
  const auto [outer, inner] = around(x, op.dim);
  const int64_t from_size = x.size(op.dim) * inner, to_size = output.size(op.dim) * inner;
  dispatch_floating(Op::name, x.dtype(), [&, outer = outer, inner = inner]<class T>() {
    using A = Accumulator<T>;
    const std::vector<Term<A>> terms = terms_of<A>(op, transposed);
    Tensor room = std::is_same_v<T, A> ? output : Tensor::empty(output.shape(), DTypeOf<A>::value);
    A* sums = room.data<A>();
    const T* from = x.const_data<T>();
    T* to = output.data<T>();
    const int64_t grain = std::max<int64_t>(16384 / std::max<int64_t>(to_size, 1), 1);
    parallel_for(outer, grain, [&](int64_t i, int64_t end) {
      for (; i < end; ++i) {
        A* row = sums + i * to_size;
        std::fill_n(row, to_size, A(0));
        sum_terms(terms, from + i * from_size, row, inner);
        if constexpr (!std::is_same_v<T, A>) {
          for (int64_t j = 0; j < to_size; ++j) to[i * to_size + j] = T(row[j]);
        }
      }
    });
  });
}

void resample_cpu(const op::Resample& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() > 0) sum_windows(op, contiguous(inputs[0]), outputs[0], false);
}

void resample_transpose_cpu(const op::ResampleTranspose& op, std::span<const Tensor> inputs,
                            std::span<Tensor> outputs) {
  if (outputs[0].numel() > 0) sum_windows(op, contiguous(inputs[0]), outputs[0], true);
}

}  // namespace

void register_interpolate_cpu(KernelTable& table) {
  table.add<op::Resample, resample_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::ResampleTranspose, resample_transpose_cpu>(Device::kCPU, kFloatingDTypes);
}

}  // namespace imago
