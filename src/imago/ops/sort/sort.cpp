#include "imago/ops/sort/sort.h"

#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/scatter/scatter.h"

namespace imago {

TensorSpecs op::Sort::check(const Tensor& x) const {
  normalize_dim(dim, x.dim(), name);
  require_dtype(name, Accepts::kComputed, x);
  return {{x.shape(), x.dtype()}, {x.shape(), DType::i64}};
}

Tensors op::Sort::vjp(const Backward& b) const {
  const Tensor& x = b.input(0);
  return {scatter_add(Tensor::zeros(x.shape(), x.dtype(), x.device()), dim, b.output(1), b.grad(0))};
}

SortResult sort(const Tensor& x, int64_t dim, bool descending) {
  const op::Sort op{normalize_dim(dim, x.dim(), "sort"), descending};
  const Tensors outputs = apply_multiple(op, {&x, 1});
  return {outputs[0], outputs[1]};
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending) { return sort(x, dim, descending).indices; }

void register_sort(OpTable& table) {
  table.add<op::Sort>([]() -> std::vector<Sample> {
    const auto along = [](int64_t dim, bool descending) {
      return [=](std::span<const Tensor> in) -> Tensors {
        const SortResult sorted = sort(in[0], dim, descending);
        return {sorted.values, sorted.indices};
      };
    };
    return {{"columns", {sample_values({3, 7})}, along(1, false)},
            {"rows, descending", {sample_values({7, 3})}, along(0, true)},
            {"ties", {sample_indices({40}, 5)}, along(0, false), false},
            {"ties, descending", {sample_indices({40}, 5)}, along(0, true), false},
            {"empty", {sample_values({3, 0})}, along(1, false)}};
  });
}

}  // namespace imago
