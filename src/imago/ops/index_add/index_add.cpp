#include "imago/ops/index_add/index_add.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"

namespace imago {

TensorSpec op::IndexAdd::check(const Tensor& x, const Tensor& index, const Tensor& source) const {
  const int d = normalize_dim(dim, x.dim(), name);
  require_index(name, index);
  require_same_dtype(name, x, source);
  require_dtype(name, Accepts::kNumbers, x);
  Shape expected = x.shape();
  expected[d] = index.numel();
  if (index.dim() > 1 || !(source.shape() == expected)) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("source {} at index {} does not fit dimension {} of {}", source.describe(),
                            index.describe(), dim, x.describe()),
                "the source has one row per index and the tensor's other sizes");
  }
  return {x.shape(), x.dtype()};
}

Tensors op::IndexAdd::vjp(const Backward& b) const {
  return {b.grad(), Tensor(), b.needs_input(2) ? index_select(b.grad(), dim, b.input(1)) : Tensor()};
}

Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return apply(op::IndexAdd{normalize_dim(dim, x.dim(), "index_add")}, x, index, source);
}

void register_index_add(OpTable& table) {
  table.add<op::IndexAdd>([]() -> std::vector<Sample> {
    const auto along = [](int64_t dim) {
      return [dim](std::span<const Tensor> in) -> Tensors { return {index_add(in[0], dim, in[1], in[2])}; };
    };
    return {{"rows", {sample_values({5, 3}), sample_indices({7}, 5), sample_values({7, 3}, -2, 2, 2)}, along(0)},
            {"columns", {sample_values({2, 5}), sample_indices({4}, 5), sample_values({2, 4}, -2, 2, 2)}, along(1)},
            {"none", {sample_values({5, 3}), sample_indices({0}, 5), sample_values({0, 3})}, along(0)}};
  });
}

}  // namespace imago
