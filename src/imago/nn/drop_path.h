// Stochastic depth (Huang et al. 2016, "Deep Networks with Stochastic Depth"), with the very masks that torch draws.
#pragma once

#include <cstdint>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago::nn {

// `x` itself outside of training or where p is 0; else each row of the batch is zero with probability p, and 1 / (1 -
// p) times itself without.
Tensor drop_path(const Tensor& x, double p);

// The probabilities of stages of so many layers each, growing evenly from 0 of the first layer to `last` of the last.
std::vector<std::vector<double>> growing_rates(double last, const std::vector<int64_t>& depths);

}  // namespace imago::nn
