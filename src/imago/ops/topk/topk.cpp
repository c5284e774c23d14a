#include "imago/ops/topk/topk.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/scatter/scatter.h"

namespace imago {

TensorSpecs op::TopK::check(const Tensor& x) const {
  Shape shape = x.shape();
  int64_t& size = shape[normalize_dim(dim, x.dim(), name)];
  require_dtype(name, Accepts::kNumbers, x);
  if (k < 0 || k > size) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("{} elements of dimension {} of {}", k, dim, x.describe()), "take k within the dimension");
  }
  size = k;
  return {{shape, x.dtype()}, {shape, DType::i64}};
}

Tensors op::TopK::vjp(const Backward& b) const {
  const Tensor& x = b.input(0);
  return {scatter_add(Tensor::zeros(x.shape(), x.dtype(), x.device()), dim, b.output(1), b.grad(0))};
}

SortResult topk(const Tensor& x, int64_t k, int64_t dim, bool largest) {
  const op::TopK op{k, normalize_dim(dim, x.dim(), "topk"), largest};
  const Tensors outputs = apply_multiple(op, {&x, 1});
  return {outputs[0], outputs[1]};
}

void register_topk(OpTable& table) {
  table.add<op::TopK>([]() -> std::vector<Sample> {
    const auto take = [](int64_t k, int64_t dim, bool largest) {
      return [=](std::span<const Tensor> in) -> Tensors {
        const SortResult top = topk(in[0], k, dim, largest);
        return {top.values, top.indices};
      };
    };
    return {{"columns", {sample_values({3, 9})}, take(4, 1, true)},
            {"rows, smallest", {sample_values({9, 3})}, take(2, 0, false)},
            {"ties", {sample_indices({40}, 5)}, take(11, 0, true), false},
            {"none", {sample_values({3, 9})}, take(0, 1, true)}};
  });
}

}  // namespace imago
