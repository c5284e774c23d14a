#include "imago/ops/gather/gather_cpu.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/integer_arithmetic.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/strided_copy.h"

namespace imago {

void require_index_range(const char* where, const Tensor& index, int64_t size) {
  if (index.numel() == 0) return;
  dispatch_index(where, index.dtype(), [&]<class Index>() {
    const Index* data = index.const_data<Index>();
    const StridedLoop<1> loop(index.shape(), {index.strides()});
    loop.run_range(0, index.numel(), [&](const auto& offsets, const auto& strides, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        const int64_t value = data[offsets[0] + i * strides[0]];
        if (value >= 0 && value < size) continue;
        throw Error(ErrorKind::kInvalidArgument, where, fmt::format("index {} is outside [0, {})", value, size));
      }
    });
  });
}

Tensor spread_index(const Tensor& index, const Shape& shape, int dim) {
  Shape strides = Shape::filled(shape.size(), 0);
  if (shape.size() > 0 && index.dim() > 0) strides[dim] = index.strides()[0];
  return index.alias(shape, strides, index.offset());
}

Shape strides_without(const Tensor& x, int dim) {
  Shape strides = x.strides();
  if (strides.size() > 0) strides[dim] = 0;
  return strides;
}

void gather_along(const Tensor& y, const Tensor& x, int dim, const Tensor& index) {
  if (y.numel() == 0) return;
  dispatch_index("gather", index.dtype(), [&]<class Index>() {
    dispatch_all(x.dtype(), [&]<class T>() {
      for_each_chosen<Index>(index, x.const_data<T>(), x, dim, y.data<T>(), y, true,
                             [](const T& chosen, T& target) { target = chosen; });
    });
  });
}

void scatter_along(const Tensor& y, int dim, const Tensor& index, const Tensor& source) {
  if (index.numel() == 0) return;
  dispatch_index("scatter", index.dtype(), [&]<class Index>() {
    dispatch_all(y.dtype(), [&]<class T>() {
      for_each_chosen<Index>(index, y.data<T>(), y, dim, source.const_data<T>(), source, false,
                             [](T& chosen, const T& value) { chosen = value; });
    });
  });
}

void scatter_add_to_copy(const Tensor& y, const Tensor& x, int dim, const Tensor& index, const Tensor& source) {
  const bool half = y.dtype() == DType::bf16 || y.dtype() == DType::f16;
  const Tensor sums = half ? Tensor::empty(y.shape(), DType::f32) : y;
  strided_copy_cpu(sums, x);
  if (index.numel() > 0) {
    dispatch_index("scatter_add", index.dtype(), [&]<class Index>() {
      dispatch_computed("scatter_add", y.dtype(), [&]<class T>() {
        using Sum = std::conditional_t<std::is_arithmetic_v<T>, T, float>;
        for_each_chosen<Index>(index, sums.data<Sum>(), sums, dim, source.const_data<T>(), source, false,
                               [](Sum& sum, const T& value) { sum = wrapping_add(sum, convert_scalar<Sum>(value)); });
      });
    });
  }
  if (half) strided_copy_cpu(y, sums);
}

namespace {

void gather_cpu(const op::Gather& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor &x = inputs[0], &index = inputs[1];
  require_index_range(op.name, index, x.dim() == 0 ? 1 : x.size(op.dim));
  gather_along(outputs[0], x, static_cast<int>(op.dim), index);
}

}  // namespace

void register_gather_cpu(KernelTable& table) { table.add<op::Gather, gather_cpu>(Device::kCPU, kAllDTypes); }

}  // namespace imago
