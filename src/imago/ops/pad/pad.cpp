#include "imago/ops/pad/pad.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/op_table.h"
#include "imago/ops/slice/slice.h"

namespace imago {

TensorSpec op::Pad::check(const Tensor& x) const {
  Shape shape = x.shape();
  for (int d = 0; d < shape.size(); ++d) {
    shape[d] += low[d] + high[d] + interior[d] * std::max<int64_t>(shape[d] - 1, 0);
    if (shape[d] < 0) {
      throw Error(
          ErrorKind::kInvalidArgument, name,
          fmt::format("padding {} and {} leaves nothing of dimension {} of {}", low[d], high[d], d, x.describe()));
    }
  }
  return {shape, x.dtype()};
}

// The elements that were kept are read back out of the gradient; those that were cut off get zeros.
Tensors op::Pad::vjp(const Backward& b) const {
  Tensor grad = b.grad();
  for (int d = 0; d < grad.dim(); ++d) {
    const int64_t size = b.input(0).shape()[d], step = interior[d] + 1;
    const int64_t cut_low = std::max<int64_t>(-low[d], 0), cut_high = std::max<int64_t>(-high[d], 0);
    const int64_t first = (cut_low + step - 1) / step;  // the first element of x that survives
    const int64_t last = size == 0 ? -1 : ((size - 1) * step - cut_high) / step;
    const int64_t kept = std::max<int64_t>(last - first + 1, 0);
    if (kept == 0) return {Tensor::zeros(b.input(0).shape(), grad.dtype(), grad.device())};
    grad = apply(op::Slice{d, first * step + low[d], kept, step}, grad);
    if (kept != size) grad = pad_dim(grad, d, first, size - 1 - last);
  }
  return {grad};
}

Tensor pad(const Tensor& x, std::span<const int64_t> sizes, double value) {
  if (sizes.size() % 2 != 0 || static_cast<int>(sizes.size()) > 2 * x.dim()) {
    throw Error(ErrorKind::kInvalidArgument, "pad",
                fmt::format("{} padding sizes do not pair with the dimensions of {}", sizes.size(), x.describe()));
  }
  const Shape none = Shape::filled(x.dim(), 0);
  op::Pad op{none, none, none, value};
  for (size_t i = 0; i < sizes.size() / 2; ++i) {
    const int d = x.dim() - 1 - static_cast<int>(i);
    op.low[d] = sizes[2 * i];
    op.high[d] = sizes[2 * i + 1];
  }
  return apply(op, x);
}

Tensor pad_dim(const Tensor& x, int64_t dim, int64_t low, int64_t high, int64_t interior) {
  const int d = normalize_dim(dim, x.dim(), "pad");
  const Shape none = Shape::filled(x.dim(), 0);
  op::Pad op{none, none, none, 0};
  op.low[d] = low;
  op.high[d] = high;
  op.interior[d] = interior;
  return apply(op, x);
}

void register_pad(OpTable& table) {
  table.add<op::Pad>([]() -> std::vector<Sample> {
    return {
        {"both sides",
         {sample_values({2, 3})},
         [](auto in) -> Tensors {
           return {pad(in[0], {1, 2, 0, 1}, 0.5)};
         }},
        {"cutting",
         {sample_values({2, 5})},
         [](auto in) -> Tensors {
           return {pad(in[0], {-1, -2})};
         }},
        {"between", {sample_values({4})}, [](auto in) -> Tensors { return {pad_dim(in[0], 0, 1, -1, 2)}; }},
    };
  });
}

}  // namespace imago
