#include "imago/nn/distribution_draws.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

// Above rates of 10: the transformed rejection of Hoermann 1993, "The transformed rejection method for generating
// Poisson random variables", with its constants.
int64_t large_poisson(TorchGenerator& generator, double rate) {
  const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), accepted = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = generator.next_double() - 0.5, v = generator.next_double();
    const double room = 0.5 - std::abs(u);
    const auto k = static_cast<int64_t>(std::floor((2 * a / room + b) * u + rate + 0.43));
    if (room >= 0.07 && v <= accepted) return k;
    if (k < 0 || (room < 0.013 && v > room)) continue;
    const double count = static_cast<double>(k);
    if (std::log(v) + std::log(inverse_alpha) - std::log(a / (room * room) + b) <=
        -rate + count * std::log(rate) - std::lgamma(count + 1))
      return k;
  }
}

Tensor gammas(TorchGenerator& generator, const Tensor& concentrations) {
  std::vector<float> drawn;
  for (const float each : concentrations.to_vector<float>())
    drawn.push_back(std::max(std::numeric_limits<float>::min(), static_cast<float>(standard_gamma(generator, each))));
  return Tensor::from(drawn, concentrations.shape());
}

Tensor student_t(TorchGenerator& generator, const Tensors& p) {
  const Tensor normal = generator.normal(p[0].shape(), 1);
  const Tensor chi_square = gammas(generator, p[0] * 0.5) / 0.5;
  return p[1] + p[2] * (normal * rsqrt(chi_square / p[0]));
}

Tensor negative_binomial(TorchGenerator& generator, const Tensors& p, const Tensor& scale) {
  const Tensor rates = gammas(generator, p[0]) / exp(-(p[1] + log(scale)));
  std::vector<float> drawn;
  for (const float rate : rates.to_vector<float>()) drawn.push_back(static_cast<float>(poisson(generator, rate)));
  return Tensor::from(drawn, rates.shape());
}

}  // namespace

// Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma Variables".
double standard_gamma(TorchGenerator& generator, double concentration) {
  if (concentration == 0) return 0;
  double scale = 1;
  if (concentration < 1) {
    // torch has the concentration in float32, and so the exponent.
    scale = std::pow(1 - generator.next_double(), static_cast<double>(1.0F / static_cast<float>(concentration)));
    concentration = static_cast<double>(static_cast<float>(concentration) + 1.0F);
  }
  const double d = static_cast<double>(static_cast<float>(concentration) - 1.0F / 3.0F), c = 1 / std::sqrt(9 * d);
  for (;;) {
    double x = 0, y = 0;
    do {
      x = generator.next_normal();
      y = 1 + c * x;
    } while (y <= 0);
    const double v = y * y * y, u = 1 - generator.next_double(), square = x * x;
    if (u < 1 - static_cast<double>(0.0331F) * square * square) return scale * d * v;
    if (std::log(u) < 0.5 * square + d * (1 - v + std::log(v))) return scale * d * v;
  }
}

int64_t poisson(TorchGenerator& generator, double rate) {
  if (!(rate >= 0) || std::isinf(rate))
    throw Error(ErrorKind::kInvalidArgument, "poisson", "a rate is negative, infinite or no number");
  if (rate >= 10) return large_poisson(generator, rate);
  if (rate == 0) return 0;
  const double least = std::exp(-rate);
  int64_t count = 0;
  for (double product = generator.next_double(); product > least; product *= generator.next_double()) ++count;
  return count;
}

Tensor draw_values(TorchGenerator& generator, std::string_view family, const Tensors& parameters, const Tensor& loc,
                   const Tensor& scale) {
  const DType dtype = loc.dtype();
  Tensors p;
  for (const Tensor& each : parameters) p.push_back(cast(each, DType::f32));
  if (family == "negative_binomial") return cast(negative_binomial(generator, p, cast(scale, DType::f32)), dtype);
  if (family == "student_t") return loc + scale * cast(student_t(generator, p), dtype);
  if (family == "normal") return loc + scale * cast(p[0] + p[1] * generator.normal(p[0].shape(), 1), dtype);
  throw Error(ErrorKind::kUnsupported, "sample", "the distribution " + std::string(family));
}

}  // namespace imago::nn
