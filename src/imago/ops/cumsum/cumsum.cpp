#include "imago/ops/cumsum/cumsum.h"

#include "imago/ops/flip/flip.h"
#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"

namespace imago {

TensorSpec op::CumSum::check(const Tensor& x) const {
  normalize_dim(dim, x.dim(), name);
  require_dtype(name, Accepts::kComputed, x);
  return {x.shape(), is_floating_point(x.dtype()) ? x.dtype() : DType::i64};
}

// An element is part of every sum behind it.
Tensors op::CumSum::vjp(const Backward& b) const { return {flip(cumsum(flip(b.grad(), {dim}), dim), {dim})}; }

Tensor cumsum(const Tensor& x, int64_t dim) { return apply(op::CumSum{normalize_dim(dim, x.dim(), "cumsum")}, x); }

void register_cumsum(OpTable& table) {
  table.add<op::CumSum>([]() -> std::vector<Sample> {
    return {{"columns", {sample_values({3, 5})}, [](auto in) -> Tensors { return {cumsum(in[0], 1)}; }},
            {"rows", {sample_values({3, 5})}, [](auto in) -> Tensors { return {cumsum(in[0], 0)}; }},
            {"integers", {sample_indices({9}, 9)}, [](auto in) -> Tensors { return {cumsum(in[0], 0)}; }, false},
            {"empty", {sample_values({3, 0})}, [](auto in) -> Tensors { return {cumsum(in[0], 1)}; }}};
  });
}

}  // namespace imago
