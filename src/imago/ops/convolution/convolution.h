#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// A convolution is linear in its input x [batch, in, *positions], its weight [out, in / groups, *kernel] and, seen from
// the other side, its output y [batch, out, *positions]. Of the three operations below each computes one of these from
// the other two, and so the gradients of each are the other two. Shapes have an entry per spatial dimension (1 to 3).

// y from x and weight, plus bias [out], which may be undefined.
struct Convolution {
  static constexpr const char* name = "convolution";
  Shape stride, padding, dilation;
  int64_t groups;
  FIELDS(stride, padding, dilation, groups)
  TensorSpec check(const Tensor& x, const Tensor& weight, const Tensor& bias) const;
  Tensors vjp(const Backward& b) const;
};

// x from y and weight, plus bias [in], which may be undefined. Several sizes of x have a y of the same size;
// output_padding says how much larger than the smallest of them x is.
struct ConvolutionTranspose {
  static constexpr const char* name = "convolution_transpose";
  Shape stride, padding, dilation, output_padding;
  int64_t groups;
  FIELDS(stride, padding, dilation, output_padding, groups)
  TensorSpec check(const Tensor& y, const Tensor& weight, const Tensor& bias) const;
  Tensors vjp(const Backward& b) const;
};

// The weight, of `kernel` size, from x and y.
struct ConvolutionWeight {
  static constexpr const char* name = "convolution_weight";
  Shape kernel, stride, padding, dilation;
  int64_t groups;
  FIELDS(kernel, stride, padding, dilation, groups)
  TensorSpec check(const Tensor& x, const Tensor& y) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// torch.nn.functional.conv1d, conv2d and conv3d: x [batch, in, ...] and weight [out, in / groups, ...] of as many
// spatial dimensions. A Shape of one number holds for all of them. Half types are summed in float, bias included, and
// rounded once.
Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Shape& stride = {1},
                   const Shape& padding = {0}, const Shape& dilation = {1}, int64_t groups = 1);

// torch.nn.functional.conv_transpose1d, 2d and 3d: x [batch, in, ...] and weight [in, out / groups, ...].
Tensor convolution_transpose(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Shape& stride = {1},
                             const Shape& padding = {0}, const Shape& output_padding = {0}, int64_t groups = 1,
                             const Shape& dilation = {1});

}  // namespace imago
