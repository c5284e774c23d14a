#include "imago/ops/flip/flip.h"

#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"

namespace imago {

TensorSpec op::Flip::check(const Tensor& x) const {
  for (int64_t d : dims) normalize_dim(d, x.dim(), name);
  return {x.shape(), x.dtype()};
}

Tensors op::Flip::vjp(const Backward& b) const { return {flip(b.grad(), dims)}; }

Tensor flip(const Tensor& x, const Shape& dims) {
  return dims.empty() ? x : apply(op::Flip{normalize_dims(dims, x.dim(), "flip")}, x);
}

void register_flip(OpTable& table) {
  table.add<op::Flip>([]() -> std::vector<Sample> {
    return {{"last", {sample_values({3, 4})}, [](auto in) -> Tensors { return {flip(in[0], {-1})}; }},
            {"two",
             {sample_values({2, 3, 4})},
             [](auto in) -> Tensors {
               return {flip(in[0], {0, 2})};
             }},
            {"empty", {sample_values({0, 4})}, [](auto in) -> Tensors { return {flip(in[0], {0})}; }}};
  });
}

}  // namespace imago
