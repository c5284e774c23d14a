#include "imago/ops/index_select/index_select.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/index_add/index_add.h"
#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"

namespace imago {

TensorSpec op::IndexSelect::check(const Tensor& x, const Tensor& index) const {
  const int d = normalize_dim(dim, x.dim(), name);
  require_index(name, index);
  if (index.dim() > 1) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("index {} has more than one dimension", index.describe()), "flatten it, or use gather");
  }
  Shape shape = x.shape();
  shape[d] = index.numel();
  return {shape, x.dtype()};
}

Tensors op::IndexSelect::vjp(const Backward& b) const {
  const Tensor& x = b.input(0);
  return {index_add(Tensor::zeros(x.shape(), x.dtype(), x.device()), dim, b.input(1), b.grad()), Tensor()};
}

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  return apply(op::IndexSelect{normalize_dim(dim, x.dim(), "index_select")}, x, index);
}

void register_index_select(OpTable& table) {
  table.add<op::IndexSelect>([]() -> std::vector<Sample> {
    const auto along = [](int64_t dim) {
      return [dim](std::span<const Tensor> in) -> Tensors { return {index_select(in[0], dim, in[1])}; };
    };
    return {{"rows", {sample_values({5, 3}), sample_indices({7}, 5)}, along(0)},
            {"columns", {sample_values({2, 5, 3}), sample_indices({4}, 3)}, along(-1)},
            {"middle", {sample_values({2, 5, 3}), sample_indices({4}, 5)}, along(1)},
            {"one index", {sample_values({5, 3}), sample_indices({}, 5)}, along(0)},
            {"none", {sample_values({5, 3}), sample_indices({0}, 5)}, along(0)}};
  });
}

}  // namespace imago
