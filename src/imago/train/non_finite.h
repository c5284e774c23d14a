// Finding where a number that is not finite comes from.
#pragma once

#include <vector>

#include "imago/train/trainable_parameters.h"

namespace imago {

// Throw Error kInvalidArgument that names the step and where it first appears: a parameter, the output of a layer, or
// the loss itself.
[[noreturn]] void throw_non_finite_loss(Model& model, const TensorMap& batch, double loss, int64_t step);
[[noreturn]] void throw_non_finite_gradient(const std::vector<NamedParameter>& parameters, int64_t step);

}  // namespace imago
