#include "imago/ops/lgamma/lgamma.h"

#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"

namespace imago {

TensorSpec op::Lgamma::check(const Tensor& x) const {
  require_floating(name, "x", x);
  return {x.shape(), x.dtype()};
}

Tensors op::Lgamma::vjp(const Backward& b) const { return {b.grad() * digamma(b.input(0))}; }

TensorSpec op::Digamma::check(const Tensor& x) const {
  require_floating(name, "x", x);
  return {x.shape(), x.dtype()};
}

Tensor lgamma(const Tensor& x) { return apply(op::Lgamma{}, x); }
Tensor digamma(const Tensor& x) { return apply(op::Digamma{}, x); }

void register_lgamma(OpTable& table) {
  table.add<op::Lgamma>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {lgamma(in[0])}; };
    return {{"around the minimum", {sample_values({3, 7}, 0.3, 4)}, call},
            {"large", {sample_values({40}, 4, 300)}, call},
            {"empty", {sample_values({3, 0})}, call}};
  });
  table.add<op::Digamma>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {digamma(in[0])}; };
    return {{"small", {sample_values({3, 7}, 0.3, 4)}, call}, {"large", {sample_values({40}, 4, 300)}, call}};
  });
}

}  // namespace imago
