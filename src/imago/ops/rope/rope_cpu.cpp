#include "imago/ops/rope/rope.h"

#include <algorithm>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/rotary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/kernel_table.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// One head with an angle per element, in the type A of the angles.
template <class T, class A>
void rotate(const T* x, const A* cos, const A* sin, T* y, int64_t size, bool interleaved) {
  const int64_t half = size / 2, step = interleaved ? 2 : 1, distance = interleaved ? 1 : half;
  for (int64_t i = 0; i < half; ++i) {
    const int64_t first = i * step, second = first + distance;
    const A a = static_cast<A>(x[first]), b = static_cast<A>(x[second]);
    y[first] = T(a * cos[first] - b * sin[first]);
    y[second] = T(b * cos[second] + a * sin[second]);
  }
}

// The same angle for both elements of a pair: by the vectorised kernel, which has angles in float only.
template <class T>
void rotate_pairs(const T* x, const float* cos, const float* sin, T* y, int64_t size, bool interleaved) {
  const auto pairs = interleaved ? kernels::RotaryPairs::kInterleaved : kernels::RotaryPairs::kHalves;
  kernels::rotary_rows(x, 0, cos, sin, y, 0, 1, size, pairs);
}

void rotate_pairs(const double* x, const double* cos, const double* sin, double* y, int64_t size, bool interleaved) {
  const int64_t half = size / 2, step = interleaved ? 2 : 1, distance = interleaved ? 1 : half;
  for (int64_t i = 0; i < half; ++i) {
    const double a = x[i * step], b = x[i * step + distance];
    y[i * step] = a * cos[i] - b * sin[i];
    y[i * step + distance] = b * cos[i] + a * sin[i];
  }
}

template <class T>
void rotate_heads(const op::Rope& op, const Tensor& x, const Tensor& cos, const Tensor& sin, Tensor& y) {
  using A = Accumulator<T>;
  const T* from = x.const_data<T>();
  T* to = y.data<T>();
  const A *cosines = cos.const_data<A>(), *sines = sin.const_data<A>();
  const int64_t heads = x.size(1), tokens = x.size(2), size = x.size(3), angles = cos.size(2);
  const Shape& strides = x.strides();
  const int64_t batch_stride = cos.size(0) == 1 ? 0 : tokens * angles;
  const int64_t grain = std::max<int64_t>(8192 / size, 1);
  parallel_for(y.numel() / size, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t token = row % tokens, head = row / tokens % heads, batch = row / tokens / heads;
      const T* input = from + batch * strides[0] + head * strides[1] + token * strides[2];
      T* output = to + row * size;
      const int64_t angle = batch * batch_stride + token * angles;
      if (angles == op.rotary_dim) {
        rotate(input, cosines + angle, sines + angle, output, op.rotary_dim, op.interleaved);
      } else {
        rotate_pairs(input, cosines + angle, sines + angle, output, op.rotary_dim, op.interleaved);
      }
      std::copy(input + op.rotary_dim, input + size, output + op.rotary_dim);
    }
  });
}

void rope_cpu(const op::Rope& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  // The heads of a token mostly come as a transposed view: only the head itself must be dense.
  const Tensor x = inputs[0].strides()[3] == 1 ? inputs[0] : contiguous(inputs[0]);
  const Tensor cos = contiguous(widen(inputs[1])), sin = contiguous(widen(inputs[2]));
  dispatch_floating(op::Rope::name, x.dtype(), [&]<class T>() { rotate_heads<T>(op, x, cos, sin, outputs[0]); });
}

}  // namespace

void register_rope_cpu(KernelTable& table) { table.add<op::Rope, rope_cpu>(Device::kCPU, kFloatingDTypes); }

}  // namespace imago
