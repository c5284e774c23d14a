#include "imago/ops/convolution/convolution.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/reduce/reduce.h"

namespace imago {
namespace {

Shape spatial(const Tensor& x) { return x.shape().sub(2, x.dim()); }

// How many positions one dimension of x gives y; not positive where the kernel does not fit.
int64_t output_size(int64_t input, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  const int64_t room = input + 2 * padding - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

// The smallest dimension of x that gives `output` positions.
int64_t smallest_input(int64_t output, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  return (output - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1;
}

template <class Op>
void check_attributes(const Op& op, const Tensor& x, int dims) {
  bool good = dims >= 1 && dims <= 3 && op.groups >= 1;
  for (const Shape& sizes : {op.stride, op.padding, op.dilation}) good = good && sizes.size() == dims;
  for (int d = 0; good && d < dims; ++d) good = op.stride[d] >= 1 && op.padding[d] >= 0 && op.dilation[d] >= 1;
  if (!good) {
    throw Error(ErrorKind::kInvalidArgument, Op::name,
                fmt::format("stride {}, padding {}, dilation {} and {} groups do not fit {}", op.stride.to_string(),
                            op.padding.to_string(), op.dilation.to_string(), op.groups, x.describe()),
                "there are 1 to 3 spatial dimensions, with a number for each");
  }
}

[[noreturn]] void throw_mismatch(const char* name, const char* what, const Tensor& x, const char* other_what,
                                 const Tensor& other, int64_t groups) {
  throw Error(ErrorKind::kInvalidArgument, name,
              fmt::format("{} {} does not meet {} {} in {} groups", what, x.shape().to_string(), other_what,
                          other.shape().to_string(), groups));
}

// Channels of `x` by the weight's first dimension, or by its second where they are those of one group.
template <class Op>
void check_operands(const Op& op, const Tensor& x, const Tensor& weight, const Tensor& bias, bool transposed) {
  require_floating(Op::name, "x", x);
  require_defined(Op::name, "weight", weight);
  require_same_dtype(Op::name, "x", x, "weight", weight);
  require_same_dtype(Op::name, "x", x, "bias", bias);
  check_attributes(op, x, x.dim() - 2);
  const bool good = weight.dim() == x.dim() && weight.size(0) % op.groups == 0 && spatial(weight).product() > 0 &&
                    x.size(1) == (transposed ? weight.size(0) : weight.size(1) * op.groups);
  if (!good) throw_mismatch(Op::name, "x", x, "weight", weight, op.groups);
  require_shape(Op::name, "bias", bias, {transposed ? weight.size(1) * op.groups : weight.size(0)});
}

// What x has beyond the smallest size that gives y.
Shape output_padding(const Tensor& x, const Tensor& y, const Shape& kernel, const Shape& stride, const Shape& padding,
                     const Shape& dilation) {
  Shape rest = spatial(x);
  for (int d = 0; d < rest.size(); ++d) {
    rest[d] -= smallest_input(y.shape()[d + 2], kernel[d], stride[d], padding[d], dilation[d]);
  }
  return rest;
}

Tensor sum_per_channel(const Tensor& grad) {
  Shape dims = {0};
  for (int d = 2; d < grad.dim(); ++d) dims.push_back(d);
  return sum(grad, dims);
}

Shape per_dimension(const Shape& sizes, int dims) {
  return sizes.size() == 1 && dims >= 1 && dims <= Shape::kMaxDims ? Shape::filled(dims, sizes[0]) : sizes;
}

}  // namespace

TensorSpec op::Convolution::check(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  check_operands(*this, x, weight, bias, false);
  Shape shape = {x.size(0), weight.size(0)};
  for (int d = 0; d < stride.size(); ++d) {
    shape.push_back(output_size(x.shape()[d + 2], weight.shape()[d + 2], stride[d], padding[d], dilation[d]));
    if (shape.back() < 1) throw_mismatch(name, "x", x, "the larger kernel of weight", weight, groups);
  }
  return {shape, x.dtype()};
}

Tensors op::Convolution::vjp(const Backward& b) const {
  const Tensor &x = b.input(0), &weight = b.input(1), &g = b.grad();
  Tensors grads(3);
  if (b.needs_input(0)) {
    const Shape rest = output_padding(x, g, spatial(weight), stride, padding, dilation);
    grads[0] = apply(ConvolutionTranspose{stride, padding, dilation, rest, groups}, g, weight, Tensor());
  }
  if (b.needs_input(1)) grads[1] = apply(ConvolutionWeight{spatial(weight), stride, padding, dilation, groups}, x, g);
  if (b.needs_input(2)) grads[2] = sum_per_channel(g);
  return grads;
}

TensorSpec op::ConvolutionTranspose::check(const Tensor& y, const Tensor& weight, const Tensor& bias) const {
  check_operands(*this, y, weight, bias, true);
  Shape shape = {y.size(0), weight.size(1) * groups};
  if (output_padding.size() != stride.size()) {
    throw Error(ErrorKind::kInvalidArgument, name, "output_padding is " + output_padding.to_string());
  }
  for (int d = 0; d < stride.size(); ++d) {
    const int64_t extra = output_padding[d];
    shape.push_back(smallest_input(y.shape()[d + 2], weight.shape()[d + 2], stride[d], padding[d], dilation[d]) +
                    extra);
    if (extra < 0 || (extra >= stride[d] && extra >= dilation[d]) || shape.back() < 1) {
      throw Error(ErrorKind::kInvalidArgument, name,
                  fmt::format("output_padding {} gives sizes {} for x {}", output_padding.to_string(),
                              shape.to_string(), y.shape().to_string()),
                  "it must be smaller than stride or dilation");
    }
  }
  return {shape, y.dtype()};
}

Tensors op::ConvolutionTranspose::vjp(const Backward& b) const {
  const Tensor &y = b.input(0), &weight = b.input(1), &g = b.grad();
  Tensors grads(3);
  if (b.needs_input(0)) grads[0] = apply(Convolution{stride, padding, dilation, groups}, g, weight, Tensor());
  if (b.needs_input(1)) grads[1] = apply(ConvolutionWeight{spatial(weight), stride, padding, dilation, groups}, g, y);
  if (b.needs_input(2)) grads[2] = sum_per_channel(g);
  return grads;
}

TensorSpec op::ConvolutionWeight::check(const Tensor& x, const Tensor& y) const {
  require_floating(name, "x", x);
  require_defined(name, "y", y);
  require_same_dtype(name, "x", x, "y", y);
  check_attributes(*this, x, x.dim() - 2);
  bool good = y.dim() == x.dim() && y.size(0) == x.size(0) && x.size(1) % groups == 0 && y.size(1) % groups == 0 &&
              kernel.size() == stride.size();
  for (int d = 0; good && d < stride.size(); ++d) {
    good = kernel[d] >= 1 &&
           output_size(x.shape()[d + 2], kernel[d], stride[d], padding[d], dilation[d]) == y.shape()[d + 2];
  }
  if (!good) throw_mismatch(name, "x", x, "y", y, groups);
  Shape shape = {y.size(1), x.size(1) / groups};
  for (int64_t size : kernel) shape.push_back(size);
  return {shape, x.dtype()};
}

Tensors op::ConvolutionWeight::vjp(const Backward& b) const {
  const Tensor &x = b.input(0), &y = b.input(1), &g = b.grad();
  Tensors grads(2);
  if (b.needs_input(0)) {
    const Shape rest = output_padding(x, y, kernel, stride, padding, dilation);
    grads[0] = apply(ConvolutionTranspose{stride, padding, dilation, rest, groups}, y, g, Tensor());
  }
  if (b.needs_input(1)) grads[1] = apply(Convolution{stride, padding, dilation, groups}, x, g, Tensor());
  return grads;
}

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& stride, const Shape& padding,
                   const Shape& dilation, int64_t groups) {
  require_defined(op::Convolution::name, "x", x);
  const int dims = x.dim() - 2;
  const op::Convolution op{per_dimension(stride, dims), per_dimension(padding, dims), per_dimension(dilation, dims),
                           groups};
  return apply(op, x, weight, bias);
}

Tensor convolution_transpose(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& stride,
                             const Shape& padding, const Shape& output_padding, int64_t groups, const Shape& dilation) {
  require_defined(op::ConvolutionTranspose::name, "x", x);
  const int dims = x.dim() - 2;
  const op::ConvolutionTranspose op{per_dimension(stride, dims), per_dimension(padding, dims),
                                    per_dimension(dilation, dims), per_dimension(output_padding, dims), groups};
  return apply(op, x, weight, bias);
}

}  // namespace imago
