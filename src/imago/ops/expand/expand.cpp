#include "imago/ops/expand/expand.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/op_table.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/strided_loop.h"

namespace imago {

TensorSpec op::Expand::check(const Tensor& x) const {
  if (!(broadcast_shapes(x.shape(), shape, name) == shape)) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("{} does not expand to {}", x.describe(), shape.to_string()));
  }
  return {shape, x.dtype()};
}

Tensor op::Expand::view(const Tensor& x) const { return x.alias(shape, broadcast_strides(x, shape), x.offset()); }

Tensors op::Expand::vjp(const Backward& b) const { return {sum_to(b.grad(), b.input(0).shape())}; }

Tensor expand(const Tensor& x, const Shape& shape) {
  Shape resolved = shape;
  for (int d = 1; d <= x.dim() && d <= shape.size(); ++d) {
    int64_t& size = resolved[shape.size() - d];
    if (size == -1) size = x.shape()[x.dim() - d];
  }
  return resolved == x.shape() ? x : apply(op::Expand{resolved}, x);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int lead = x.dim() - shape.size();
  Shape dims;
  for (int d = 0; d < x.dim(); ++d) {
    if (d < lead || (shape[d - lead] == 1 && x.shape()[d] != 1)) dims.push_back(d);
  }
  return reshape(sum(x, dims, /*keepdim=*/true), shape);
}

void register_expand(OpTable& table) {
  table.add<op::Expand>([]() -> std::vector<Sample> {
    return {{"rows",
             {sample_values({1, 4})},
             [](auto in) -> Tensors {
               return {expand(in[0], {3, -1})};
             }},
            {"new dimensions", {sample_values({3, 1})}, [](auto in) -> Tensors {
               return {expand(in[0], {2, 3, 2})};
             }}};
  });
}

}  // namespace imago
