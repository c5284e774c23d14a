#include "imago/ops/convolution/convolution.h"

#include <algorithm>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/gemm.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/convolution/float_convolution.h"
#include "imago/ops/convolution/geometry.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_copy.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// By matrix products. Large ones in float gather what they read as they go (float_convolution.h). For the others the
// inputs that each output position meets are gathered into the columns of a matrix [channels * taps, positions]
// ("im2col"), a tile of positions at a time, so that memory stays bounded. Where a group has one channel on either side
// (depthwise), a product would have one row, and the taps are walked directly.

using Geometry = ConvolutionGeometry;

// A tile's matrix has about this many elements: large enough for the product to be efficient, small enough for the
// second-level cache to hold much of it.
constexpr int64_t kTileElements = 1 << 20;

using Problem = ConvolutionProblem;

int64_t tile_size(const Problem& p) {
  return std::min(p.geometry.output_size(), std::max<int64_t>(kTileElements / std::max<int64_t>(p.rows(), 1), 64));
}

// Rows (channel, tap) of the matrix for output positions [begin, begin + count), `ld` elements apart.
template <class T>
void gather_columns(const Problem& p, const T* x, int64_t begin, int64_t count, T* columns, int64_t ld) {
  const Geometry& g = p.geometry;
  const int64_t taps = g.taps(), step = g.stride[2];
  parallel_for(p.rows(), std::max<int64_t>(16384 / count, 1), [&](int64_t row, int64_t row_end) {
    for (; row < row_end; ++row) {
      const T* channel = x + row / taps * g.input_size();
      T* target = columns + row * ld - begin;
      walk_tap(g, row % taps, begin, begin + count, [&](int64_t position, int64_t run, int64_t input) {
        if (input < 0) {
          std::fill_n(target + position, run, T(0));
        } else if (step == 1) {
          std::copy_n(channel + input, run, target + position);
        } else {
          for (int64_t i = 0; i < run; ++i) target[position + i] = channel[input + i * step];
        }
      });
    }
  });
}

// The opposite: adds the rows of the matrix to the inputs they would have come from.
template <class A>
void scatter_columns(const Problem& p, const A* columns, int64_t begin, int64_t count, int64_t ld, A* x) {
  const Geometry& g = p.geometry;
  const int64_t taps = g.taps(), step = g.stride[2];
  parallel_for(p.group_in(), std::max<int64_t>(16384 / (count * taps), 1), [&](int64_t c, int64_t end) {
    for (; c < end; ++c) {
      A* channel = x + c * g.input_size();
      for (int64_t tap = 0; tap < taps; ++tap) {
        const A* source = columns + (c * taps + tap) * ld - begin;
        walk_tap(g, tap, begin, begin + count, [&](int64_t position, int64_t run, int64_t input) {
          if (input < 0) return;
          for (int64_t i = 0; i < run; ++i) channel[input + i * step] += source[position + i];
        });
      }
    }
  });
}

// Starts the sums of `channels` rows of `size` elements with the bias, or zero.
template <class T>
void start_sums(const T* bias, T* sums, int64_t channels, int64_t size) {
  for (int64_t c = 0; c < channels; ++c) std::fill_n(sums + c * size, size, bias != nullptr ? bias[c] : T(0));
}

template <class T>
void convolve(const Problem& p, const T* x, const T* weight, const T* bias, T* y) {
  if constexpr (std::is_same_v<T, float>) {
    if (is_float_convolution(p)) return float_convolution(p, x, weight, y, {.shift = bias});
  }
  const int64_t positions = p.geometry.output_size(), tile = tile_size(p);
  const bool gathers = !p.geometry.is_pointwise();
  const Tensor room = Tensor::empty({gathers ? p.rows() * tile : 0}, DTypeOf<T>::value);
  T* columns = room.data<T>();
  for (int64_t i = 0; i < p.batch * p.groups; ++i) {
    const int64_t group = i % p.groups;
    const T* input = x + i * p.group_in() * p.geometry.input_size();
    T* output = y + i * p.group_out() * positions;
    start_sums(bias != nullptr ? bias + group * p.group_out() : nullptr, output, p.group_out(), positions);
    for (int64_t begin = 0; begin < positions; begin += tile) {
      const int64_t count = std::min(tile, positions - begin);
      if (gathers) gather_columns(p, input, begin, count, columns, tile);
      kernels::Gemm<T, T, T> gemm;
      gemm.m = p.group_out();
      gemm.n = count;
      gemm.k = p.rows();
      gemm.a = weight + group * p.group_out() * p.rows();
      gemm.lda = p.rows();
      gemm.b = gathers ? columns : input + begin;
      gemm.ldb = gathers ? tile : positions;
      gemm.c = output + begin;
      gemm.ldc = positions;
      gemm.accumulate = true;
      kernels::gemm(gemm);
    }
  }
}

template <class T>
void convolve_transpose(const Problem& p, const T* y, const T* weight, const T* bias, T* x) {
  using A = Accumulator<T>;
  const int64_t positions = p.geometry.output_size(), inputs = p.geometry.input_size(), tile = tile_size(p);
  const Tensor room = Tensor::empty({p.rows() * tile}, DTypeOf<A>::value);
  const Tensor sums_room = Tensor::empty({p.group_in() * inputs}, DTypeOf<A>::value);
  A *columns = room.data<A>(), *sums = sums_room.data<A>();
  for (int64_t i = 0; i < p.batch * p.groups; ++i) {
    const int64_t group = i % p.groups;
    for (int64_t c = 0; c < p.group_in(); ++c) {
      const A start = bias != nullptr ? static_cast<A>(bias[group * p.group_in() + c]) : A(0);
      std::fill_n(sums + c * inputs, inputs, start);
    }
    for (int64_t begin = 0; begin < positions; begin += tile) {
      const int64_t count = std::min(tile, positions - begin);
      kernels::Gemm<T, T, A> gemm;
      gemm.m = p.rows();
      gemm.n = count;
      gemm.k = p.group_out();
      gemm.a = weight + group * p.group_out() * p.rows();
      gemm.lda = p.rows();
      gemm.transpose_a = true;
      gemm.b = y + i * p.group_out() * positions + begin;
      gemm.ldb = positions;
      gemm.c = columns;
      gemm.ldc = tile;
      kernels::gemm(gemm);
      scatter_columns(p, columns, begin, count, tile, sums);
    }
    T* output = x + i * p.group_in() * inputs;
    for (int64_t j = 0; j < p.group_in() * inputs; ++j) output[j] = T(sums[j]);
  }
}

// Sums over batch and positions into `weight`, which is zeros.
template <class T, class A>
void convolve_weight(const Problem& p, const T* x, const T* y, A* weight) {
  const int64_t positions = p.geometry.output_size(), tile = tile_size(p);
  const Tensor room = Tensor::empty({p.rows() * tile}, DTypeOf<T>::value);
  T* columns = room.data<T>();
  for (int64_t i = 0; i < p.batch * p.groups; ++i) {
    for (int64_t begin = 0; begin < positions; begin += tile) {
      const int64_t count = std::min(tile, positions - begin);
      gather_columns(p, x + i * p.group_in() * p.geometry.input_size(), begin, count, columns, tile);
      kernels::Gemm<T, T, A> gemm;
      gemm.m = p.group_out();
      gemm.n = p.rows();
      gemm.k = count;
      gemm.a = y + i * p.group_out() * positions + begin;
      gemm.lda = positions;
      gemm.b = columns;
      gemm.ldb = tile;
      gemm.transpose_b = true;
      gemm.c = weight + i % p.groups * p.group_out() * p.rows();
      gemm.ldc = p.rows();
      gemm.accumulate = true;
      kernels::gemm(gemm);
    }
  }
}

// Calls visit(channel, plane) for every channel of every batch; `sums` is room for one plane per thread's range.
template <class Visit>
void for_each_plane(int64_t planes, int64_t work, Visit visit) {
  parallel_for(planes, std::max<int64_t>(16384 / std::max<int64_t>(work, 1), 1), [&](int64_t plane, int64_t end) {
    for (; plane < end; ++plane) visit(plane);
  });
}

template <class A>
void depthwise(const Problem& p, const A* x, const A* weight, const A* bias, A* y) {
  const Geometry& g = p.geometry;
  const int64_t positions = g.output_size(), taps = g.taps(), step = g.stride[2];
  for_each_plane(p.batch * p.in, positions * taps, [&](int64_t plane) {
    const int64_t c = plane % p.in;
    A* output = y + plane * positions;
    const A* input = x + plane * g.input_size();
    std::fill_n(output, positions, bias != nullptr ? bias[c] : A(0));
    for (int64_t tap = 0; tap < taps; ++tap) {
      const A w = weight[c * taps + tap];
      walk_tap(g, tap, 0, positions, [&](int64_t position, int64_t run, int64_t from) {
        if (from < 0) return;
        for (int64_t i = 0; i < run; ++i) output[position + i] += w * input[from + i * step];
      });
    }
  });
}

template <class A>
void depthwise_transpose(const Problem& p, const A* y, const A* weight, const A* bias, A* x) {
  const Geometry& g = p.geometry;
  const int64_t positions = g.output_size(), taps = g.taps(), step = g.stride[2];
  for_each_plane(p.batch * p.in, positions * taps, [&](int64_t plane) {
    const int64_t c = plane % p.in;
    A* output = x + plane * g.input_size();
    const A* input = y + plane * positions;
    std::fill_n(output, g.input_size(), bias != nullptr ? bias[c] : A(0));
    for (int64_t tap = 0; tap < taps; ++tap) {
      const A w = weight[c * taps + tap];
      walk_tap(g, tap, 0, positions, [&](int64_t position, int64_t run, int64_t to) {
        if (to < 0) return;
        for (int64_t i = 0; i < run; ++i) output[to + i * step] += w * input[position + i];
      });
    }
  });
}

template <class A>
void depthwise_weight(const Problem& p, const A* x, const A* y, A* weight) {
  const Geometry& g = p.geometry;
  const int64_t positions = g.output_size(), taps = g.taps(), step = g.stride[2];
  for_each_plane(p.in, p.batch * positions * taps, [&](int64_t c) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      double sum = 0;
      for (int64_t plane = c; plane < p.batch * p.in; plane += p.in) {
        const A *input = x + plane * g.input_size(), *output = y + plane * positions;
        walk_tap(g, tap, 0, positions, [&](int64_t position, int64_t run, int64_t from) {
          if (from < 0) return;
          for (int64_t i = 0; i < run; ++i) {
            sum += static_cast<double>(input[from + i * step]) * static_cast<double>(output[position + i]);
          }
        });
      }
      weight[c * taps + tap] = static_cast<A>(sum);
    }
  });
}

const void* data_or_null(const Tensor& x) { return x.defined() ? x.const_data_raw() : nullptr; }

Tensor dense(const Tensor& x) { return x.defined() ? contiguous(x) : x; }

// Runs `compute` on dense operands of the accumulator's type, and rounds its result.
template <class Compute>
void run_wide(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& output, Compute compute) {
  const Tensor wide_a = contiguous(widen(a)), wide_b = contiguous(widen(b));
  const Tensor wide_bias = bias.defined() ? contiguous(widen(bias)) : bias;
  const bool direct = wide_a.dtype() == output.dtype();
  Tensor result = direct ? output : Tensor::empty(output.shape(), wide_a.dtype());
  dispatch_floating("convolution", wide_a.dtype(), [&]<class A>() {
    if constexpr (std::is_arithmetic_v<A>) {
      compute(wide_a.const_data<A>(), wide_b.const_data<A>(), static_cast<const A*>(data_or_null(wide_bias)),
              result.template data<A>());
    }
  });
  if (!direct) strided_copy_cpu(output, result);
}

void convolution_cpu(const op::Convolution& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  const Shape kernel = inputs[1].shape().sub(2, inputs[1].dim());
  const Problem p = make_convolution_problem(op, inputs[0], outputs[0], kernel);
  if (p.is_depthwise()) {
    run_wide(inputs[0], inputs[1], inputs[2], outputs[0],
             [&](auto* x, auto* weight, auto* bias, auto* y) { depthwise(p, x, weight, bias, y); });
    return;
  }
  const Tensor x = contiguous(inputs[0]), weight = contiguous(inputs[1]), bias = dense(inputs[2]);
  dispatch_floating(op::Convolution::name, x.dtype(), [&]<class T>() {
    convolve<T>(p, x.const_data<T>(), weight.const_data<T>(), static_cast<const T*>(data_or_null(bias)),
                outputs[0].data<T>());
  });
}

void convolution_transpose_cpu(const op::ConvolutionTranspose& op, std::span<const Tensor> inputs,
                               std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  const Shape kernel = inputs[1].shape().sub(2, inputs[1].dim());
  const Problem p = make_convolution_problem(op, outputs[0], inputs[0], kernel);
  if (p.is_depthwise()) {
    run_wide(inputs[0], inputs[1], inputs[2], outputs[0],
             [&](auto* y, auto* weight, auto* bias, auto* x) { depthwise_transpose(p, y, weight, bias, x); });
    return;
  }
  const Tensor y = contiguous(inputs[0]), weight = contiguous(inputs[1]), bias = dense(inputs[2]);
  dispatch_floating(op::ConvolutionTranspose::name, y.dtype(), [&]<class T>() {
    convolve_transpose<T>(p, y.const_data<T>(), weight.const_data<T>(), static_cast<const T*>(data_or_null(bias)),
                          outputs[0].data<T>());
  });
}

void convolution_weight_cpu(const op::ConvolutionWeight& op, std::span<const Tensor> inputs,
                            std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  const Problem p = make_convolution_problem(op, inputs[0], inputs[1], op.kernel);
  if (p.is_depthwise()) {
    run_wide(inputs[0], inputs[1], {}, outputs[0],
             [&](auto* x, auto* y, auto*, auto* weight) { depthwise_weight(p, x, y, weight); });
    return;
  }
  const Tensor x = contiguous(inputs[0]), y = contiguous(inputs[1]);
  dispatch_floating(op::ConvolutionWeight::name, x.dtype(), [&]<class T>() {
    using A = Accumulator<T>;
    const Tensor sums = Tensor::zeros(outputs[0].shape(), DTypeOf<A>::value);
    convolve_weight<T, A>(p, x.const_data<T>(), y.const_data<T>(), sums.data<A>());
    strided_copy_cpu(outputs[0], sums);
  });
}

}  // namespace

void register_convolution_cpu(KernelTable& table) {
  table.add<op::Convolution, convolution_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::ConvolutionTranspose, convolution_transpose_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::ConvolutionWeight, convolution_weight_cpu>(Device::kCPU, kFloatingDTypes);
}

}  // namespace imago
