#include "imago/ops/reduce/reduce.h"

#include <array>
#include <limits>

#include "imago/kernels/cpu/reduce.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/elementwise_cpu.h"
#include "imago/ops/integer_arithmetic.h"
#include "imago/ops/kernel_table.h"

namespace imago {
namespace {

// A dense tensor seen as [outer, size, inner], of which `size` is reduced.
struct Extent {
  Tensor x;
  int64_t outer = 1, size = 1, inner = 1;
};

// Dimensions that do not lie together are brought to the end, which takes a copy unless the strides happen to fit.
Extent extent_of(const Tensor& x, const Shape& dims) {
  const bool together = dims.empty() || dims.back() - dims[0] == dims.size() - 1;
  Extent extent;
  if (together) {
    extent.x = contiguous(x);
    for (int d = 0; d < x.dim(); ++d) {
      const bool before = !dims.empty() && d < dims[0], after = dims.empty() || d > dims.back();
      (before ? extent.outer : after ? extent.inner : extent.size) *= x.shape()[d];
    }
    return extent;
  }
  uint32_t reduced = 0;
  for (int64_t d : dims) reduced |= 1u << d;
  Shape shape, strides;
  for (const bool reducing : {false, true}) {
    for (int d = 0; d < x.dim(); ++d) {
      if ((reduced >> d & 1) != static_cast<uint32_t>(reducing)) continue;
      shape.push_back(x.shape()[d]);
      strides.push_back(x.strides()[d]);
      (reducing ? extent.size : extent.outer) *= x.shape()[d];
    }
  }
  extent.x = contiguous(x.alias(shape, strides, x.offset()));
  return extent;
}

// As many sums as are carried side by side: enough to hide the latency of an addition behind vectors of them.
constexpr int64_t kLanes = 32;

// lanes[i] takes in every element of column i of a [rows, stride] array of which `columns` are looked at.
template <class Reducer, class T>
void take_columns(typename Reducer::Accumulator* lanes, const T* data, int64_t rows, int64_t columns, int64_t stride) {
  using Accumulator = typename Reducer::Accumulator;
  for (int64_t row = 0; row < rows; ++row, data += stride) {
    for (int64_t i = 0; i < columns; ++i) lanes[i] = Reducer::combine(lanes[i], convert_scalar<Accumulator>(data[i]));
  }
}

template <class Reducer, class T>
typename Reducer::Accumulator reduce_row(const T* data, int64_t size) {
  using Accumulator = typename Reducer::Accumulator;
  std::array<Accumulator, kLanes> lanes;
  lanes.fill(Reducer::kInitial);
  const int64_t rows = size / kLanes, whole = rows * kLanes;
  take_columns<Reducer>(lanes.data(), data, rows, kLanes, kLanes);
  take_columns<Reducer>(lanes.data(), data + whole, 1, size - whole, 0);
  for (size_t width = kLanes / 2; width > 0; width /= 2) {
    for (size_t i = 0; i < width; ++i) lanes[i] = Reducer::combine(lanes[i], lanes[i + width]);
  }
  return lanes[0];
}

template <class Reducer, class T, class Out>
void reduce_columns(const T* data, Out* out, int64_t size, int64_t inner) {
  constexpr int64_t kTile = 512;
  parallel_for((inner + kTile - 1) / kTile, std::max<int64_t>(16384 / (kTile * std::max<int64_t>(size, 1)), 1),
               [=](int64_t begin, int64_t end) {
                 std::array<typename Reducer::Accumulator, kTile> lanes;
                 for (int64_t start = begin * kTile; start < std::min(end * kTile, inner); start += kTile) {
                   const int64_t columns = std::min(kTile, inner - start);
                   lanes.fill(Reducer::kInitial);
                   take_columns<Reducer>(lanes.data(), data + start, size, columns, inner);
                   for (int64_t i = 0; i < columns; ++i) {
                     out[start + i] = Reducer::template finish<Out>(lanes[static_cast<size_t>(i)], size);
                   }
                 }
               });
}

template <class Reducer, class T, class Out>
void reduce(const Tensor& input, const Shape& dims, const Tensor& output) {
  const Extent extent = extent_of(input, dims);
  const T* data = extent.x.const_data<T>();
  Out* out = output.data<Out>();
  const int64_t size = extent.size, inner = extent.inner;
  if (output.numel() == 0) return;
  if (inner == 1) {
    parallel_for(extent.outer, std::max<int64_t>(16384 / std::max<int64_t>(size, 1), 1),
                 [=](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     out[i] = Reducer::template finish<Out>(reduce_row<Reducer>(data + i * size, size), size);
                   }
                 });
    return;
  }
  for (int64_t i = 0; i < extent.outer; ++i)
    reduce_columns<Reducer>(data + i * size * inner, out + i * inner, size, inner);
}

// Sums of floating-point numbers are carried in double: the error then is that of the final rounding, whatever the
// count and the order.
template <class T>
using SumAccumulator = std::conditional_t<std::is_integral_v<T>, int64_t, double>;

template <class T>
struct SumReducer {
  using Accumulator = SumAccumulator<T>;
  static constexpr Accumulator kInitial = 0;
  static Accumulator combine(Accumulator a, Accumulator b) { return wrapping_add(a, b); }
  template <class Out>
  static Out finish(Accumulator sum, int64_t) {
    return convert_scalar<Out>(sum);
  }
};

template <class T>
struct MeanReducer : SumReducer<T> {
  template <class Out>
  static Out finish(double sum, int64_t count) {
    return convert_scalar<Out>(sum / static_cast<double>(count));
  }
};

template <class T>
struct ProdReducer : SumReducer<T> {
  using Accumulator = SumAccumulator<T>;
  static constexpr Accumulator kInitial = 1;
  static Accumulator combine(Accumulator a, Accumulator b) { return wrapping_multiply(a, b); }
};

template <class T>
struct MaxReducer {
  using Accumulator = Compute<T>;
  using Limits = std::numeric_limits<Accumulator>;
  static constexpr Accumulator kInitial = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  static Accumulator combine(Accumulator a, Accumulator b) { return a > b || a != a ? a : b; }
  template <class Out>
  static Out finish(Accumulator value, int64_t) {
    return convert_scalar<Out>(value);
  }
};

template <class T>
struct MinReducer : MaxReducer<T> {
  using typename MaxReducer<T>::Accumulator;
  using typename MaxReducer<T>::Limits;
  static constexpr Accumulator kInitial = Limits::has_infinity ? Limits::infinity() : Limits::max();
  static Accumulator combine(Accumulator a, Accumulator b) { return a < b || a != a ? a : b; }
};

struct AnyReducer {
  using Accumulator = bool;
  static constexpr bool kInitial = false;
  static bool combine(bool a, bool b) { return a | b; }
  template <class Out>
  static Out finish(bool value, int64_t) {
    return value;
  }
};

struct AllReducer : AnyReducer {
  static constexpr bool kInitial = true;
  static bool combine(bool a, bool b) { return a & b; }
};

void sum_cpu(const op::Sum& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_computed(op.name, inputs[0].dtype(), [&]<class T>() {
    using Out = std::conditional_t<std::is_integral_v<T>, int64_t, T>;
    reduce<SumReducer<T>, T, Out>(inputs[0], op.dims, outputs[0]);
  });
}

void mean_cpu(const op::Mean& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_floating(op.name, inputs[0].dtype(),
                    [&]<class T>() { reduce<MeanReducer<T>, T, T>(inputs[0], op.dims, outputs[0]); });
}

void prod_cpu(const op::Prod& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_computed(op.name, inputs[0].dtype(), [&]<class T>() {
    using Out = std::conditional_t<std::is_integral_v<T>, int64_t, T>;
    reduce<ProdReducer<T>, T, Out>(inputs[0], op.dims, outputs[0]);
  });
}

template <class Op, template <class> class Reducer>
void extremum_cpu(const Op& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_computed(op.name, inputs[0].dtype(),
                    [&]<class T>() { reduce<Reducer<T>, T, T>(inputs[0], op.dims, outputs[0]); });
}

template <class Op, class Reducer>
void truth_cpu(const Op& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_computed(op.name, inputs[0].dtype(),
                    [&]<class T>() { reduce<Reducer, T, bool>(inputs[0], op.dims, outputs[0]); });
}

// The first element that no other beats; NaN beats all numbers. Rows of floating-point numbers have a kernel.
template <class T, class Beats>
int64_t first_best(const T* data, int64_t size, int64_t stride, Beats beats) {
  using Value = Compute<T>;
  Value best = convert_scalar<Value>(data[0]);
  int64_t index = 0;
  for (int64_t i = 1; i < size && best == best; ++i) {
    const Value value = convert_scalar<Value>(data[i * stride]);
    if (beats(value, best) || value != value) {
      best = value;
      index = i;
    }
  }
  return index;
}

// beats(a, b) on two values; row(data, size) is the same for a row of floating-point numbers.
template <class Op, class Beats, class Row>
void arg_extremum(const Op& op, const Tensor& input, const Tensor& output, Beats beats, Row row) {
  const Extent extent = extent_of(input, op.dims);
  int64_t* out = output.data<int64_t>();
  const int64_t size = extent.size, inner = extent.inner;
  dispatch_computed(op.name, input.dtype(), [&]<class T>() {
    const T* data = extent.x.const_data<T>();
    parallel_for(extent.outer * inner, std::max<int64_t>(16384 / size, 1), [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if constexpr (!std::is_integral_v<T>) {
          if (inner == 1) {
            out[i] = row(data + i * size, size);
            continue;
          }
        }
        out[i] = first_best(data + i / inner * size * inner + i % inner, size, inner, beats);
      }
    });
  });
}

void argmax_cpu(const op::ArgMax& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  arg_extremum(
      op, inputs[0], outputs[0], [](auto a, auto b) { return a > b; },
      [](const auto* data, int64_t size) { return kernels::argmax(data, size); });
}

void argmin_cpu(const op::ArgMin& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  arg_extremum(
      op, inputs[0], outputs[0], [](auto a, auto b) { return a < b; },
      [](const auto* data, int64_t size) { return kernels::argmin(data, size); });
}

}  // namespace

void register_reduce_cpu(KernelTable& table) {
  table.add<op::Sum, sum_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Mean, mean_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Prod, prod_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Amax, extremum_cpu<op::Amax, MaxReducer>>(Device::kCPU, kComputedDTypes);
  table.add<op::Amin, extremum_cpu<op::Amin, MinReducer>>(Device::kCPU, kComputedDTypes);
  table.add<op::Any, truth_cpu<op::Any, AnyReducer>>(Device::kCPU, kComputedDTypes);
  table.add<op::All, truth_cpu<op::All, AllReducer>>(Device::kCPU, kComputedDTypes);
  table.add<op::ArgMax, argmax_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::ArgMin, argmin_cpu>(Device::kCPU, kNumberDTypes);
}

}  // namespace imago
