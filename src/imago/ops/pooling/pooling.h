#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// The largest element of each window of x [batch, channels, ...], NaN where there is one, and its index within the
// channel's positions. Shapes have an entry per spatial dimension (1 to 3).
struct MaxPool {
  static constexpr const char* name = "max_pool";
  Shape kernel_size, stride, padding, dilation;
  bool ceil_mode;
  FIELDS(kernel_size, stride, padding, dilation, ceil_mode)
  TensorSpecs check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

// The same of windows that cut each dimension into output_size parts.
struct AdaptiveMaxPool {
  static constexpr const char* name = "adaptive_max_pool";
  Shape output_size;
  FIELDS(output_size)
  TensorSpecs check(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// torch.nn.functional.max_pool1d, 2d and 3d of x [batch, channels, ...]; a Shape of one number holds for all spatial
// dimensions. The stride is the kernel's size where it is empty.
Tensor max_pool(const Tensor& x, const Shape& kernel_size, const Shape& stride = {}, const Shape& padding = {0},
                const Shape& dilation = {1}, bool ceil_mode = false);
// The maxima and their indices (int64).
Tensors max_pool_with_indices(const Tensor& x, const Shape& kernel_size, const Shape& stride = {},
                              const Shape& padding = {0}, const Shape& dilation = {1}, bool ceil_mode = false);

// torch.nn.functional.avg_pool1d, 2d and 3d.
Tensor avg_pool(const Tensor& x, const Shape& kernel_size, const Shape& stride = {}, const Shape& padding = {0},
                bool ceil_mode = false, bool count_include_pad = true);

// torch.nn.functional.adaptive_max_pool and adaptive_avg_pool: a size of -1 keeps the input's.
Tensor adaptive_max_pool(const Tensor& x, const Shape& output_size);
Tensor adaptive_avg_pool(const Tensor& x, const Shape& output_size);

}  // namespace imago
