#include "imago/ops/scatter/scatter.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/pad/pad.h"

namespace imago {
namespace {

TensorSpec check_scatter(const char* name, int64_t dim, const Tensor& x, const Tensor& index, const Tensor& source) {
  op::check_index_shape(name, x, dim, index);
  require_same_dtype(name, x, source);
  bool fits = source.dim() == index.dim();
  for (int d = 0; fits && d < index.dim(); ++d) fits = index.shape()[d] <= source.shape()[d];
  if (!fits) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("source {} is smaller than index {}", source.describe(), index.describe()));
  }
  return {x.shape(), x.dtype()};
}

int scatter_dim(const char* name, const Tensor& x, int64_t dim) {
  return x.dim() == 0 ? 0 : normalize_dim(dim, x.dim(), name);
}

// The gradient of the elements that were read, with zeros for a part of the source beyond the index.
Tensor source_gradient(const Backward& b, int64_t dim) {
  const Tensor& source = b.input(2);
  const Tensor grad = gather(b.grad(), dim, b.input(1));
  if (grad.shape() == source.shape()) return grad;
  Shape low = Shape::filled(source.dim(), 0), high = low;
  for (int d = 0; d < source.dim(); ++d) high[d] = source.shape()[d] - grad.shape()[d];
  return apply(op::Pad{low, high, low, 0}, grad);
}

}  // namespace

TensorSpec op::Scatter::check(const Tensor& x, const Tensor& index, const Tensor& source) const {
  return check_scatter(name, dim, x, index, source);
}

TensorSpec op::ScatterAdd::check(const Tensor& x, const Tensor& index, const Tensor& source) const {
  require_dtype(name, Accepts::kNumbers, x);
  return check_scatter(name, dim, x, index, source);
}

// As in torch, every one of equal indices gets the gradient, though only the last was written.
Tensors op::Scatter::vjp(const Backward& b) const {
  return {b.needs_input(0) ? scatter(b.grad(), dim, b.input(1), 0) : Tensor(), Tensor(),
          b.needs_input(2) ? source_gradient(b, dim) : Tensor()};
}

Tensors op::ScatterAdd::vjp(const Backward& b) const {
  return {b.grad(), Tensor(), b.needs_input(2) ? source_gradient(b, dim) : Tensor()};
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return apply(op::Scatter{scatter_dim("scatter", x, dim)}, x, index, source);
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, double value) {
  return scatter(x, dim, index, expand(scalar_like("scatter", x, value), index.shape()));
}

Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return apply(op::ScatterAdd{scatter_dim("scatter_add", x, dim)}, x, index, source);
}

void register_scatter(OpTable& table) {
  // Different indices in each column, so that no two writes meet.
  table.add<op::Scatter>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {scatter(in[0], 0, in[1], in[2])}; };
    const Tensor index = Tensor::from<int64_t>({3, 0, 1, 2, 4, 0}, {2, 3});
    return {
        {"rows", {sample_values({5, 3}), index, sample_values({2, 3}, -2, 2, 2)}, call},
        {"larger source", {sample_values({5, 4}), index, sample_values({3, 4}, -2, 2, 2)}, call},
        {"number", {sample_values({5, 3}), index}, [](auto in) -> Tensors { return {scatter(in[0], 0, in[1], 7)}; }}};
  });
  table.add<op::ScatterAdd>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {scatter_add(in[0], 1, in[1], in[2])}; };
    return {
        {"equal indices", {sample_values({3, 4}), sample_indices({3, 9}, 4), sample_values({3, 9}, -2, 2, 2)}, call},
        {"integers", {sample_indices({3, 4}, 9), sample_indices({2, 5}, 4), sample_indices({2, 5}, 9, 3)}, call, false},
        {"none", {sample_values({3, 4}), sample_indices({3, 0}, 4), sample_values({3, 0})}, call}};
  });
}

}  // namespace imago
