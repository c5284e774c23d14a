#include "imago/ops/gather/gather.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/scatter/scatter.h"

namespace imago {

void op::check_index_shape(const char* name, const Tensor& x, int64_t dim, const Tensor& index) {
  require_index(name, index);
  bool fits = index.dim() == x.dim() && (x.dim() == 0 ? dim == 0 : dim >= 0 && dim < x.dim());
  for (int d = 0; fits && d < x.dim(); ++d) fits = d == dim || index.shape()[d] <= x.shape()[d];
  if (fits) return;
  throw Error(ErrorKind::kInvalidArgument, name,
              fmt::format("index {} does not fit {} along dimension {}", index.describe(), x.describe(), dim),
              "the index has the tensor's dimensions, and no larger sizes but along that one");
}

TensorSpec op::Gather::check(const Tensor& x, const Tensor& index) const {
  check_index_shape(name, x, dim, index);
  return {index.shape(), x.dtype()};
}

Tensors op::Gather::vjp(const Backward& b) const {
  const Tensor& x = b.input(0);
  return {scatter_add(Tensor::zeros(x.shape(), x.dtype(), x.device()), dim, b.input(1), b.grad()), Tensor()};
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  return apply(op::Gather{x.dim() == 0 ? 0 : normalize_dim(dim, x.dim(), "gather")}, x, index);
}

void register_gather(OpTable& table) {
  table.add<op::Gather>([]() -> std::vector<Sample> {
    const auto along = [](int64_t dim) {
      return [dim](std::span<const Tensor> in) -> Tensors { return {gather(in[0], dim, in[1])}; };
    };
    return {{"columns", {sample_values({3, 5}), sample_indices({3, 4}, 5)}, along(1)},
            {"fewer rows", {sample_values({2, 4, 3}), sample_indices({1, 6, 2}, 4)}, along(-2)},
            {"no indices", {sample_values({2, 4}), sample_indices({2, 0}, 4)}, along(1)}};
  });
}

}  // namespace imago
