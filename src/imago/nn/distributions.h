// Distributions over the next values of a series, whose parameters a model gives. B batch, T steps, C channels, D
// hidden.
#pragma once

#include <string_view>
#include <vector>

#include "imago/nn/layers.h"

namespace imago::nn {

// A family of distributions: how many parameters it has, how unbounded numbers become them, and how likely a value is.
struct DistributionFamily {
  std::string_view name;
  int64_t parameters;
  // Each [B, T] or [B, T, C], into the parameters' domain.
  Tensors (*domain_map)(const Tensors& unbounded);
  // log p(value) of each element, for values divided by `scale` behind the subtraction of `loc`.
  Tensor (*log_prob)(const Tensors& parameters, const Tensor& loc, const Tensor& scale, const Tensor& value);
  // The parameters as the reference hands them out, which a scale may have changed.
  Tensors (*scaled)(const Tensors& parameters, const Tensor& scale);
  // The mean of the distribution moved to loc and scale.
  Tensor (*mean)(const Tensors& parameters, const Tensor& loc, const Tensor& scale);
};

// "student_t", "normal" or "negative_binomial". Throws Error kUnsupported for another name.
const DistributionFamily& distribution_family(std::string_view name);

// A distribution's parameters out of a hidden state, a layer each; `channels` values at once where there is more than
// one.
struct DistributionHead : Module {
  std::vector<Linear> proj;
  FIELDS(proj)

  DistributionHead() = default;
  DistributionHead(std::string_view family, int64_t hidden_size, int64_t channels);
  template <class ConfigType>
  explicit DistributionHead(const ConfigType& c) : DistributionHead(c.distribution_output, c.d_model, c.input_size) {}
  // [..., D] -> each [...], or [..., C] of several channels.
  Tensors operator()(const Tensor& x) const;
  // The negative log likelihood, [B, T]: of several channels together.
  Tensor negative_log_likelihood(const Tensors& parameters, const Tensor& loc, const Tensor& scale,
                                 const Tensor& value) const;

  const DistributionFamily* family = nullptr;
  int64_t channels = 1;
};

// The mean of x, weighted: a weight of zero counts for nothing, whatever stands there. Weights sum to at least 1.
Tensor weighted_average(const Tensor& x, const Tensor& weights);

}  // namespace imago::nn
