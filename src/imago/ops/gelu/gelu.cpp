#include "imago/ops/gelu/gelu.h"

#include <fmt/core.h>

#include <array>
#include <numbers>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/in_blocks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"

namespace imago {
namespace {

constexpr double kSqrt2OverPi = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
constexpr double kCubic = 0.044715;

Tensor tanh_argument(const Tensor& x) { return (x + square(x) * x * kCubic) * kSqrt2OverPi; }

// P(x), the probability of lying below x.
Tensor exact_cdf(const Tensor& x) { return (erf(x * (1 / std::numbers::sqrt2)) + 1) * 0.5; }

}  // namespace

TensorSpec op::Gelu::check(const Tensor& x) const {
  require_floating(name, "x", x);
  if (approximate != "none" && approximate != "tanh") {
    throw Error(ErrorKind::kInvalidArgument, name, fmt::format("approximate is \"{}\"", approximate),
                "use \"none\" or \"tanh\"");
  }
  return {x.shape(), x.dtype()};
}

Tensor op::Gelu::decompose(const Tensor& x) const {
  const Tensor wide = widen(x);
  const Tensor cdf = approximate == "none" ? exact_cdf(wide) : (tanh(tanh_argument(wide)) + 1) * 0.5;
  return cast(wide * cdf, x.dtype());
}

// (x P(x))' = P(x) + x p(x), where p is the density, or what stands for it: (1 - tanh^2(u)) u' / 2.
Tensors op::Gelu::vjp(const Backward& b) const {
  return in_blocks(std::array{b.input(0), b.grad()}, 0, [&](std::span<const Tensor> in) -> Tensors {
    const Tensor x = widen(in[0]), g = widen(in[1]);
    Tensor slope;
    if (approximate == "none") {
      const double scale = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      slope = exact_cdf(x) + x * exp(square(x) * -0.5) * scale;
    } else {
      const Tensor t = tanh(tanh_argument(x));
      const Tensor inner = (square(x) * (3 * kCubic) + 1) * kSqrt2OverPi;
      slope = (t + 1 + x * (1 - square(t)) * inner) * 0.5;
    }
    return {cast(g * slope, in[0].dtype())};
  });
}

Tensor gelu(const Tensor& x, std::string approximate) { return apply(op::Gelu{std::move(approximate)}, x); }

void register_gelu(OpTable& table) {
  table.add<op::Gelu>([]() -> std::vector<Sample> {
    const auto call = [](const char* approximate) {
      return [approximate](std::span<const Tensor> in) -> Tensors { return {gelu(in[0], approximate)}; };
    };
    return {{"exact", {sample_values({3, 7}, -5, 5)}, call("none")},
            {"tanh", {sample_values({3, 7}, -5, 5)}, call("tanh")},
            {"empty", {sample_values({3, 0})}, call("none")}};
  });
}

}  // namespace imago
