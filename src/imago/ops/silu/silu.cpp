#include "imago/ops/silu/silu.h"

#include <array>

#include "imago/ops/cast/cast.h"
#include "imago/ops/in_blocks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"

namespace imago {

TensorSpec op::Silu::check(const Tensor& x) const {
  require_floating(name, "x", x);
  return {x.shape(), x.dtype()};
}

Tensor op::Silu::decompose(const Tensor& x) const {
  const Tensor wide = widen(x);
  return cast(wide * sigmoid(wide), x.dtype());
}

// (x s)' = s (1 + x (1 - s)), s = sigmoid(x)
Tensors op::Silu::vjp(const Backward& b) const {
  return in_blocks(std::array{b.input(0), b.grad()}, 0, [](std::span<const Tensor> in) -> Tensors {
    const Tensor x = widen(in[0]), g = widen(in[1]), s = sigmoid(x);
    return {cast(g * s * (x * (1 - s) + 1), in[0].dtype())};
  });
}

Tensor silu(const Tensor& x) { return apply(op::Silu{}, x); }

void register_silu(OpTable& table) {
  table.add<op::Silu>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {silu(in[0])}; };
    return {{"around 0", {sample_values({3, 7}, -5, 5)}, call},
            {"wide range", {sample_values({70}, -90, 90)}, call},
            {"empty", {sample_values({3, 0})}, call}};
  });
}

}  // namespace imago
