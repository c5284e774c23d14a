#include "imago/nn/activations.h"

#include <fmt/core.h>

#include <array>
#include <numbers>
#include <string>

#include "imago/base/error.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/gelu/gelu.h"
#include "imago/ops/operators.h"
#include "imago/ops/silu/silu.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::nn {
namespace {

template <class F>
Tensor in_float(const Tensor& x, F f) {
  return cast(f(widen(x)), x.dtype());
}

struct Named {
  std::string_view name;
  Activation function;
};

// The reference's table. Spellings of one function that differ in rounding only (gelu_python, gelu_fast, ...) are one
// here, the most exact.
constexpr std::array kActivations = {
    Named{"gelu", [](const Tensor& x) { return gelu(x); }},
    Named{"gelu_10", [](const Tensor& x) { return clipped_gelu(x); }},
    Named{"gelu_accurate", [](const Tensor& x) { return gelu(x, "tanh"); }},
    Named{"gelu_fast", [](const Tensor& x) { return gelu(x, "tanh"); }},
    Named{"gelu_new", [](const Tensor& x) { return gelu(x, "tanh"); }},
    Named{"gelu_python", [](const Tensor& x) { return gelu(x); }},
    Named{"gelu_python_tanh", [](const Tensor& x) { return gelu(x, "tanh"); }},
    Named{"gelu_pytorch_tanh", [](const Tensor& x) { return gelu(x, "tanh"); }},
    Named{"hardswish", hardswish},
    Named{"laplace", [](const Tensor& x) { return laplace(x); }},
    Named{"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    Named{"linear", [](const Tensor& x) { return x; }},
    Named{"mish", mish},
    Named{"quick_gelu", quick_gelu},
    Named{"relu", relu},
    Named{"relu2", relu_squared},
    Named{"relu6", relu6},
    Named{"sigmoid", sigmoid},
    Named{"silu", silu},
    Named{"sqrtsoftplus", sqrt_softplus},
    Named{"swish", silu},
    Named{"tanh", tanh},
};

}  // namespace

Activation activation(std::string_view name) {
  std::string known;
  for (const Named& entry : kActivations) {
    if (entry.name == name) return entry.function;
    known += known.empty() ? "" : ", ";
    known += entry.name;
  }
  throw Error(ErrorKind::kUnsupported, "activation", fmt::format("there is no function \"{}\"", name),
              "known are " + known);
}

Tensor relu6(const Tensor& x) { return clamp(x, 0, 6); }

Tensor relu_squared(const Tensor& x) { return square(relu(x)); }

Tensor leaky_relu(const Tensor& x, double negative_slope) { return where(gt(x, 0), x, x * negative_slope); }

Tensor elu(const Tensor& x, double alpha) {
  return in_float(x, [alpha](const Tensor& v) { return where(gt(v, 0), v, expm1(clamp(v, {}, 0)) * alpha); });
}

// Above 20 it is x to the last place, and exp would overflow further on.
Tensor softplus(const Tensor& x) {
  return in_float(x, [](const Tensor& v) { return where(gt(v, 20), v, log1p(exp(clamp(v, {}, 20)))); });
}

Tensor sqrt_softplus(const Tensor& x) {
  return in_float(x, [](const Tensor& v) { return sqrt(softplus(v)); });
}

Tensor mish(const Tensor& x) {
  return in_float(x, [](const Tensor& v) { return v * tanh(softplus(v)); });
}

Tensor quick_gelu(const Tensor& x) {
  return in_float(x, [](const Tensor& v) { return v * sigmoid(v * 1.702); });
}

Tensor clipped_gelu(const Tensor& x, double min, double max) { return clamp(gelu(x), min, max); }

Tensor hardsigmoid(const Tensor& x) {
  return in_float(x, [](const Tensor& v) { return relu6(v + 3) / 6; });
}

Tensor hardswish(const Tensor& x) {
  return in_float(x, [](const Tensor& v) { return v * relu6(v + 3) / 6; });
}

Tensor laplace(const Tensor& x, double mu, double sigma) {
  const double scale = 1 / (sigma * std::numbers::sqrt2);
  return in_float(x, [=](const Tensor& v) { return (erf((v - mu) * scale) + 1) * 0.5; });
}

Tensor prelu(const Tensor& x, const Tensor& weight) { return where(gt(x, 0), x, x * weight); }

Tensor xielu(const Tensor& x, const Tensor& alpha_p, const Tensor& alpha_n, const Tensor& beta, const Tensor& eps) {
  return in_float(x, [&](const Tensor& v) {
    const auto same = [&](const Tensor& parameter) { return cast(parameter, v.dtype()); };
    const Tensor positive = softplus(same(alpha_p)), negative = same(beta) + softplus(same(alpha_n));
    const Tensor below = (expm1(minimum(v, same(eps))) - v) * negative;
    return where(gt(v, 0), positive * square(v), below) + same(beta) * v;
  });
}

}  // namespace imago::nn
