#include "imago/ops/concat/concat.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/op_table.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago {

TensorSpec op::Concat::check(std::span<const Tensor> inputs) const {
  Shape shape = inputs[0].shape();
  const int d = static_cast<int>(dim);
  for (const Tensor& x : inputs.subspan(1)) {
    Shape expected = shape;
    if (x.dim() == shape.size()) expected[d] = x.shape()[d];
    if (!(x.shape() == expected) || x.dtype() != inputs[0].dtype()) {
      throw Error(ErrorKind::kInvalidArgument, name,
                  fmt::format("{} and {} do not join at dimension {}", inputs[0].describe(), x.describe(), dim));
    }
    shape[d] += x.shape()[d];
  }
  return {shape, inputs[0].dtype()};
}

Tensors op::Concat::vjp(const Backward& b) const {
  Tensors grads;
  int64_t start = 0;
  for (const Tensor& x : b.inputs) {
    grads.push_back(narrow(b.grad(), dim, start, x.size(dim)));
    start += x.size(dim);
  }
  return grads;
}

Tensor concat(std::span<const Tensor> tensors, int64_t dim) {
  if (tensors.empty()) throw Error(ErrorKind::kInvalidArgument, "concat", "there are no tensors to join");
  if (tensors.size() == 1) return tensors[0];
  const op::Concat op{normalize_dim(dim, tensors[0].dim(), "concat")};
  return apply_multiple(op, tensors)[0];
}

Tensor stack(std::span<const Tensor> tensors, int64_t dim) {
  Tensors rows;
  for (const Tensor& x : tensors) rows.push_back(unsqueeze(x, dim));
  return concat(rows, dim);
}

void register_concat(OpTable& table) {
  table.add<op::Concat>([]() -> std::vector<Sample> {
    return {
        {"rows",
         {sample_values({2, 3}), sample_values({1, 3}, -1, 1, 2)},
         [](auto in) -> Tensors { return {concat(in, 0)}; }},
        {"columns, one empty",
         {sample_values({2, 3}), sample_values({2, 0}), sample_values({2, 2}, -1, 1, 2)},
         [](auto in) -> Tensors { return {concat(in, 1)}; }},
        {"stack",
         {sample_values({2, 3}), sample_values({2, 3}, -1, 1, 2)},
         [](auto in) -> Tensors { return {stack(in, 1)}; }},
    };
  });
}

}  // namespace imago
