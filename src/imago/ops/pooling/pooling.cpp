#include "imago/ops/pooling/pooling.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/interpolate/resample.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/pooling/windows.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scatter/scatter.h"

namespace imago {
namespace {

// Throws unless `x` has a number of spatial dimensions for which each list has an entry.
void check_spatial(const char* name, const Tensor& x, std::initializer_list<Shape> lists) {
  require_floating(name, "x", x);
  const int dims = x.dim() - 2;
  bool good = dims >= 1 && dims <= 3 && x.shape().sub(1, x.dim()).product() > 0;
  for (const Shape& list : lists) good = good && list.size() == dims;
  if (!good) {
    throw Error(ErrorKind::kInvalidArgument, name, fmt::format("x is {}", x.describe()),
                "it must be [batch, channels, ...] with 1 to 3 spatial dimensions and as many sizes as those");
  }
}

struct Extent {
  int64_t input, kernel, stride, padding, dilation;

  int64_t reach() const { return dilation * (kernel - 1) + 1; }

  // With `ceil_mode` a last window may stick out, but has to begin inside the input or the padding before it.
  int64_t output_size(const char* name, bool ceil_mode) const {
    if (kernel < 1 || stride < 1 || dilation < 1 || padding < 0 || 2 * padding > reach()) {
      throw Error(ErrorKind::kInvalidArgument, name,
                  fmt::format("kernel {}, stride {}, padding {} or dilation {} is out of range", kernel, stride,
                              padding, dilation),
                  "padding is at most half of the kernel");
    }
    const int64_t room = input + 2 * padding - reach();
    int64_t size = room < 0 ? 0 : (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    if (room < 0 && ceil_mode && room + stride - 1 >= 0) size = 1;
    if (ceil_mode && (size - 1) * stride >= input + padding) --size;
    if (size < 1) {
      throw Error(
          ErrorKind::kInvalidArgument, name,
          fmt::format("a kernel over {} elements does not fit into {} with padding {}", reach(), input, padding));
    }
    return size;
  }
};

Extent extent_of(const op::MaxPool& op, const Tensor& x, int dim) {
  return {x.shape()[dim + 2], op.kernel_size[dim], op.stride[dim], op.padding[dim], op.dilation[dim]};
}

// Each gradient goes to the element that was the maximum.
Tensors route_to_maxima(const Backward& b) {
  const Tensor &x = b.input(0), &indices = b.output(1), &g = b.grad();
  const int64_t planes = x.size(0) * x.size(1);
  const Tensor zeros = Tensor::zeros({planes, x.shape().sub(2, x.dim()).product()}, x.dtype(), x.device());
  const Shape rows = {planes, g.shape().sub(2, g.dim()).product()};
  return {reshape(scatter_add(zeros, 1, reshape(indices, rows), reshape(g, rows)), x.shape())};
}

TensorSpecs values_and_indices(const Shape& shape, DType dtype) { return {{shape, dtype}, {shape, DType::i64}}; }

Shape per_dimension(const Shape& sizes, int dims) {
  return sizes.size() == 1 && dims >= 1 && dims <= Shape::kMaxDims ? Shape::filled(dims, sizes[0]) : sizes;
}

Shape resolve_output_size(const char* name, const Tensor& x, const Shape& output_size) {
  Shape sizes = per_dimension(output_size, x.dim() - 2);
  check_spatial(name, x, {sizes});
  for (int d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == -1) sizes[d] = x.shape()[d + 2];
    if (sizes[d] < 1) {
      throw Error(ErrorKind::kInvalidArgument, name, fmt::format("output_size is {}", output_size.to_string()));
    }
  }
  return sizes;
}

// Part o of `input` elements cut into `output` parts, which overlap where the sizes do not divide.
PoolWindow adaptive_window(int64_t input, int64_t output, int64_t o) {
  return {o * input / output, ((o + 1) * input + output - 1) / output, 1};
}

Tensor average(const Tensor& x, int dim, const std::vector<PoolWindow>& windows, const std::vector<int64_t>& divisors) {
  std::vector<std::vector<WeightedIndex>> elements;
  for (size_t o = 0; o < windows.size(); ++o) {
    elements.emplace_back();
    for (int64_t i = windows[o].begin; i < windows[o].end; ++i) {
      elements.back().push_back({i, 1 / static_cast<double>(divisors[o])});
    }
  }
  return resample(x, dim + 2, elements);
}

}  // namespace

std::vector<PoolWindow> windows_of(const op::MaxPool& op, const Tensor& x, int dim) {
  const Extent e = extent_of(op, x, dim);
  std::vector<PoolWindow> windows;
  for (int64_t o = 0; o < e.output_size(op::MaxPool::name, op.ceil_mode); ++o) {
    const int64_t start = o * e.stride - e.padding,
                  skipped = std::max<int64_t>(-start + e.dilation - 1, 0) / e.dilation;
    windows.push_back({start + skipped * e.dilation, std::min(start + e.reach(), e.input), e.dilation});
    if (windows.back().begin >= windows.back().end) {
      throw Error(ErrorKind::kInvalidArgument, op::MaxPool::name,
                  fmt::format("window {} of dimension {} has nothing but padding", o, dim + 2));
    }
  }
  return windows;
}

std::vector<PoolWindow> windows_of(const op::AdaptiveMaxPool& op, const Tensor& x, int dim) {
  std::vector<PoolWindow> windows;
  for (int64_t o = 0; o < op.output_size[dim]; ++o) {
    windows.push_back(adaptive_window(x.shape()[dim + 2], op.output_size[dim], o));
  }
  return windows;
}

TensorSpecs op::MaxPool::check(const Tensor& x) const {
  check_spatial(name, x, {kernel_size, stride, padding, dilation});
  Shape shape = x.shape();
  for (int d = 0; d < kernel_size.size(); ++d) shape[d + 2] = static_cast<int64_t>(windows_of(*this, x, d).size());
  return values_and_indices(shape, x.dtype());
}

Tensors op::MaxPool::vjp(const Backward& b) const { return route_to_maxima(b); }

TensorSpecs op::AdaptiveMaxPool::check(const Tensor& x) const {
  check_spatial(name, x, {output_size});
  Shape shape = x.shape();
  for (int d = 0; d < output_size.size(); ++d) shape[d + 2] = output_size[d];
  return values_and_indices(shape, x.dtype());
}

Tensors op::AdaptiveMaxPool::vjp(const Backward& b) const { return route_to_maxima(b); }

Tensors max_pool_with_indices(const Tensor& x, const Shape& kernel_size, const Shape& stride, const Shape& padding,
                              const Shape& dilation, bool ceil_mode) {
  require_defined(op::MaxPool::name, "x", x);
  const int dims = x.dim() - 2;
  const op::MaxPool op{per_dimension(kernel_size, dims), per_dimension(stride.empty() ? kernel_size : stride, dims),
                       per_dimension(padding, dims), per_dimension(dilation, dims), ceil_mode};
  return apply_multiple(op, {&x, 1});
}

Tensor max_pool(const Tensor& x, const Shape& kernel_size, const Shape& stride, const Shape& padding,
                const Shape& dilation, bool ceil_mode) {
  return max_pool_with_indices(x, kernel_size, stride, padding, dilation, ceil_mode)[0];
}

Tensor avg_pool(const Tensor& x, const Shape& kernel_size, const Shape& stride, const Shape& padding, bool ceil_mode,
                bool count_include_pad) {
  constexpr const char* kName = "avg_pool";
  require_defined(kName, "x", x);
  const int dims = x.dim() - 2;
  const Shape kernel = per_dimension(kernel_size, dims), pad = per_dimension(padding, dims);
  const Shape step = per_dimension(stride.empty() ? kernel_size : stride, dims);
  check_spatial(kName, x, {kernel, step, pad});
  Tensor y = widen(x);
  for (int d = 0; d < dims; ++d) {
    const Extent e{x.shape()[d + 2], kernel[d], step[d], pad[d], 1};
    std::vector<PoolWindow> windows;
    std::vector<int64_t> divisors;
    for (int64_t o = 0; o < e.output_size(kName, ceil_mode); ++o) {
      // Padding counts as elements; what a last window sticks out beyond it does not.
      const int64_t start = o * e.stride - e.padding, end = std::min(start + e.kernel, e.input + e.padding);
      windows.push_back({std::max<int64_t>(start, 0), std::min(end, e.input), 1});
      divisors.push_back(count_include_pad ? end - start : windows.back().end - windows.back().begin);
    }
    y = average(y, d, windows, divisors);
  }
  return cast(y, x.dtype());
}

Tensor adaptive_max_pool(const Tensor& x, const Shape& output_size) {
  require_defined(op::AdaptiveMaxPool::name, "x", x);
  const Shape sizes = resolve_output_size(op::AdaptiveMaxPool::name, x, output_size);
  return apply_multiple(op::AdaptiveMaxPool{sizes}, {&x, 1})[0];
}

Tensor adaptive_avg_pool(const Tensor& x, const Shape& output_size) {
  require_defined("adaptive_avg_pool", "x", x);
  const Shape sizes = resolve_output_size("adaptive_avg_pool", x, output_size);
  Tensor y = widen(x);
  for (int d = 0; d < sizes.size(); ++d) {
    std::vector<PoolWindow> windows;
    std::vector<int64_t> divisors;
    for (int64_t o = 0; o < sizes[d]; ++o) {
      windows.push_back(adaptive_window(x.shape()[d + 2], sizes[d], o));
      divisors.push_back(windows.back().end - windows.back().begin);
    }
    y = average(y, d, windows, divisors);
  }
  return cast(y, x.dtype());
}

void register_pooling(OpTable& table) {
  table.add<op::MaxPool>([]() -> std::vector<Sample> {
    const auto sample = [](const char* name, const Shape& shape, const op::MaxPool& op) {
      return Sample{name, {sample_values(shape)}, [op](std::span<const Tensor> in) -> Tensors {
                      return apply_multiple(op, in.first(1));
                    }};
    };
    return {
        sample("1d", {2, 3, 7}, {{2}, {2}, {0}, {1}, false}),
        sample("2d, padding", {2, 2, 5, 6}, {{3, 2}, {2, 1}, {1, 1}, {1, 1}, false}),
        sample("2d, ceil mode, dilation", {1, 2, 7, 8}, {{2, 3}, {3, 3}, {0, 1}, {2, 1}, true}),
        sample("3d", {1, 2, 3, 4, 3}, {{2, 2, 2}, {1, 2, 1}, {0, 0, 1}, {1, 1, 1}, false}),
        sample("empty batch", {0, 3, 7}, {{2}, {2}, {0}, {1}, false}),
    };
  });
  table.add<op::AdaptiveMaxPool>([]() -> std::vector<Sample> {
    return {{"1d", {sample_values({2, 3, 7})}, [](auto in) -> Tensors { return {adaptive_max_pool(in[0], {3})}; }},
            {"2d", {sample_values({1, 2, 5, 3})}, [](auto in) -> Tensors {
               return {adaptive_max_pool(in[0], {2, -1})};
             }}};
  });
}

}  // namespace imago
