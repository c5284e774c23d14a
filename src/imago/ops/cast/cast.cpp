#include "imago/ops/cast/cast.h"

#include "imago/ops/op_table.h"

namespace imago {

Tensors op::Cast::vjp(const Backward& b) const { return {cast(b.grad(), b.input(0).dtype())}; }

Tensor cast(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : apply(op::Cast{dtype}, x); }

Tensor widen(const Tensor& x) { return x.dtype() == DType::bf16 || x.dtype() == DType::f16 ? cast(x, DType::f32) : x; }

void register_cast(OpTable& table) {
  table.add<op::Cast>([]() -> std::vector<Sample> {
    return {
        {"to float64", {sample_values({3, 4})}, [](auto in) -> Tensors { return {cast(in[0], DType::f64)}; }},
        {"to int64", {sample_values({7}, -9, 9)}, [](auto in) -> Tensors { return {cast(in[0], DType::i64)}; }, false}};
  });
}

}  // namespace imago
