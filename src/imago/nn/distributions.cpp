#include "imago/nn/distributions.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "imago/base/error.h"
#include "imago/nn/activations.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/lgamma/lgamma.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::nn {
namespace {

double smallest_scale(const Tensor& x) {
  return x.dtype() == DType::f64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
}

// Above zero, and about x where that is large.
Tensor square_plus(const Tensor& x) { return (x + sqrt(square(x) + 4.0)) / 2.0; }

Tensor standardised(const Tensor& value, const Tensor& loc, const Tensor& scale) { return (value - loc) / scale; }

Tensors unchanged(const Tensors& parameters, const Tensor&) { return parameters; }

// Parameters: degrees of freedom, location, scale.
Tensors student_t_domain(const Tensors& x) {
  return {square_plus(x[0]) + 2.0, x[1], clamp(square_plus(x[2]), smallest_scale(x[2]))};
}

Tensor student_t_log_prob(const Tensors& p, const Tensor& loc, const Tensor& scale, const Tensor& value) {
  const Tensor& df = p[0];
  const Tensor y = (standardised(value, loc, scale) - p[1]) / p[2];
  const Tensor normaliser =
      log(p[2]) + log(df) * 0.5 + 0.5 * std::log(std::numbers::pi) + lgamma(df * 0.5) - lgamma((df + 1.0) * 0.5);
  return (df + 1.0) * log1p(square(y) / df) * -0.5 - normaliser - log(abs(scale));
}

Tensor student_t_mean(const Tensors& p, const Tensor& loc, const Tensor& scale) { return p[1] * scale + loc; }

// Parameters: location, scale.
Tensors normal_domain(const Tensors& x) { return {x[0], clamp(square_plus(x[1]), smallest_scale(x[1]))}; }

Tensor normal_log_prob(const Tensors& p, const Tensor& loc, const Tensor& scale, const Tensor& value) {
  const Tensor y = standardised(value, loc, scale) - p[0];
  return square(y) / (square(p[1]) * 2.0) * -1.0 - log(p[1]) - 0.5 * std::log(2 * std::numbers::pi) - log(abs(scale));
}

Tensor normal_mean(const Tensors& p, const Tensor& loc, const Tensor& scale) { return p[0] * scale + loc; }

// Parameters: how many failures, the logit of success. A scale of the series multiplies the odds.
Tensors negative_binomial_domain(const Tensors& x) { return {square_plus(x[0]), x[1]}; }

Tensors negative_binomial_scaled(const Tensors& p, const Tensor& scale) { return {p[0], p[1] + log(scale)}; }

Tensor negative_binomial_log_prob(const Tensors& p, const Tensor&, const Tensor& scale, const Tensor& value) {
  const Tensor& count = p[0];
  const Tensor logits = p[1] + log(scale);
  const Tensor unnormalised = softplus(logits) * count * -1.0 - value * softplus(-logits);
  const Tensor none = Tensor::zeros({}, value.dtype());
  const Tensor normaliser = lgamma(value + 1.0) + lgamma(count) - lgamma(count + value);
  return unnormalised - where(eq(count + value, 0), none, normaliser);
}

Tensor negative_binomial_mean(const Tensors& p, const Tensor&, const Tensor& scale) {
  return p[0] * exp(p[1] + log(scale));
}

constexpr DistributionFamily kFamilies[] = {
    {"student_t", 3, student_t_domain, student_t_log_prob, unchanged, student_t_mean},
    {"normal", 2, normal_domain, normal_log_prob, unchanged, normal_mean},
    {"negative_binomial", 2, negative_binomial_domain, negative_binomial_log_prob, negative_binomial_scaled,
     negative_binomial_mean},
};

}  // namespace

const DistributionFamily& distribution_family(std::string_view name) {
  for (const DistributionFamily& family : kFamilies) {
    if (family.name == name) return family;
  }
  throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("distribution_output \"{}\"", name),
              "there are student_t, normal and negative_binomial");
}

DistributionHead::DistributionHead(std::string_view family_name, int64_t hidden_size, int64_t channel_count)
    : family(&distribution_family(family_name)), channels(channel_count) {
  for (int64_t i = 0; i < family->parameters; ++i) proj.emplace_back(hidden_size, channels);
}

Tensors DistributionHead::operator()(const Tensor& x) const {
  Tensors unbounded;
  for (const Linear& layer : proj) unbounded.push_back(squeeze(layer(x), -1));
  return family->domain_map(unbounded);
}

Tensor DistributionHead::negative_log_likelihood(const Tensors& parameters, const Tensor& loc, const Tensor& scale,
                                                 const Tensor& value) const {
  const Tensor each = family->log_prob(parameters, loc, scale, value);
  return -(channels == 1 ? each : sum(each, {-1}));
}

Tensor weighted_average(const Tensor& x, const Tensor& weights) {
  const Tensor none = Tensor::zeros({}, x.dtype());
  return sum(where(ne(weights, 0), x * weights, none)) / clamp(sum(weights), 1.0);
}

}  // namespace imago::nn
