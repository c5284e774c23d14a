#include "imago/ops/swiglu/swiglu.h"

#include <array>

#include "imago/ops/cast/cast.h"
#include "imago/ops/in_blocks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/silu/silu.h"
#include "imago/ops/unary/unary.h"

namespace imago {

TensorSpec op::Swiglu::check(const Tensor& gate, const Tensor& up) const {
  require_floating(name, "gate", gate);
  require_defined(name, "up", up);
  require_same_dtype(name, "gate", gate, "up", up);
  require_shape(name, "up", up, gate.shape());
  return {gate.shape(), gate.dtype()};
}

Tensor op::Swiglu::decompose(const Tensor& gate, const Tensor& up) const {
  return cast(silu(widen(gate)) * widen(up), gate.dtype());
}

Tensors op::Swiglu::vjp(const Backward& b) const {
  const std::array inputs = {b.input(0), b.input(1), b.grad()};
  const Tensors found = in_blocks(inputs, 0, [&](std::span<const Tensor> in) {
    const Tensor gate = widen(in[0]), up = widen(in[1]), g = widen(in[2]), s = sigmoid(gate);
    Tensors each;
    if (b.needs_input(0)) each.push_back(cast(g * up * s * (gate * (1 - s) + 1), in[0].dtype()));
    if (b.needs_input(1)) each.push_back(cast(g * gate * s, in[1].dtype()));
    return each;
  });
  return {b.needs_input(0) ? found.front() : Tensor(), b.needs_input(1) ? found.back() : Tensor()};
}

Tensor swiglu(const Tensor& gate, const Tensor& up) { return apply(op::Swiglu{}, gate, up); }

void register_swiglu(OpTable& table) {
  table.add<op::Swiglu>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {swiglu(in[0], in[1])}; };
    return {{"rows", {sample_values({3, 7}, -5, 5), sample_values({3, 7}, -2, 2, 2)}, call},
            {"wide range", {sample_values({70}, -90, 90), sample_values({70}, -2, 2, 2)}, call},
            {"empty", {sample_values({3, 0}), sample_values({3, 0})}, call}};
  });
}

}  // namespace imago
