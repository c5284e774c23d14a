// Values of distributions as torch.distributions draws them on the CPU: with the generator's seed they are the
// reference's, but for the last bits.
#pragma once

#include <string_view>

#include "imago/nn/torch_generator.h"
#include "imago/tensor/tensor.h"

namespace imago::nn {

// Of the family with these parameters (see distributions.h), moved to loc and scale. Throws Error kUnsupported for a
// family that is not known.
Tensor draw_values(TorchGenerator& generator, std::string_view family, const Tensors& parameters, const Tensor& loc,
                   const Tensor& scale);

// torch._standard_gamma of one concentration, and torch.poisson of one rate.
double standard_gamma(TorchGenerator& generator, double concentration);
int64_t poisson(TorchGenerator& generator, double rate);

}  // namespace imago::nn
