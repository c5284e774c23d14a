#include <array>
#include <cmath>

#include "imago/ops/kernel_table.h"
#include "imago/ops/pooling/pooling.h"
#include "imago/ops/pooling/windows.h"
#include "imago/ops/row_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// The windows of three spatial dimensions; missing ones come first, with one window of one element.
struct Windows {
  std::array<std::vector<PoolWindow>, 3> dims{{{{0, 1, 1}}, {{0, 1, 1}}, {{0, 1, 1}}}};
  std::array<int64_t, 3> input{1, 1, 1};
};

template <class Op>
Windows all_windows(const Op& op, const Tensor& x) {
  Windows windows;
  const int spatial = x.dim() - 2;
  for (int d = 0; d < spatial; ++d) {
    const auto i = static_cast<size_t>(3 - spatial + d);
    windows.dims[i] = windows_of(op, x, d);
    windows.input[i] = x.shape()[d + 2];
  }
  return windows;
}

// The first largest element of one window, or the first NaN.
template <class T>
int64_t index_of_maximum(const Windows& w, const T* x, const PoolWindow& a, const PoolWindow& b, const PoolWindow& c) {
  int64_t best = -1;
  Accumulator<T> largest = 0;
  for (int64_t i = a.begin; i < a.end; i += a.step) {
    for (int64_t j = b.begin; j < b.end; j += b.step) {
      const int64_t row = (i * w.input[1] + j) * w.input[2];
      for (int64_t k = c.begin; k < c.end; k += c.step) {
        const auto value = static_cast<Accumulator<T>>(x[row + k]);
        if (std::isnan(value)) return row + k;
        if (best >= 0 && value <= largest) continue;
        best = row + k;
        largest = value;
      }
    }
  }
  return best;
}

template <class Op>
void max_pool_cpu(const Op& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  const Tensor x = contiguous(inputs[0]);
  const Windows w = all_windows(op, x);
  const int64_t planes = x.size(0) * x.size(1), from_size = x.numel() / planes, to_size = outputs[0].numel() / planes;
  int64_t* indices = outputs[1].data<int64_t>();
  dispatch_floating(Op::name, x.dtype(), [&]<class T>() {
    const T* from = x.const_data<T>();
    T* to = outputs[0].data<T>();
    for_rows(planes, from_size, [&](int64_t plane, int64_t end) {
      for (; plane < end; ++plane) {
        const T* input = from + plane * from_size;
        int64_t o = plane * to_size;
        for (const PoolWindow& a : w.dims[0]) {
          for (const PoolWindow& b : w.dims[1]) {
            for (const PoolWindow& c : w.dims[2]) {
              indices[o] = index_of_maximum(w, input, a, b, c);
              to[o] = input[indices[o]];
              ++o;
            }
          }
        }
      }
    });
  });
}

}  // namespace

void register_pooling_cpu(KernelTable& table) {
  table.add<op::MaxPool, max_pool_cpu<op::MaxPool>>(Device::kCPU, kFloatingDTypes);
  table.add<op::AdaptiveMaxPool, max_pool_cpu<op::AdaptiveMaxPool>>(Device::kCPU, kFloatingDTypes);
}

}  // namespace imago
