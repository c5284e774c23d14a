// Gated feed-forward units.
#pragma once

#include <string_view>

#include "imago/tensor/tensor.h"

namespace imago::nn {

// activation(gate) up, with the activation of that name. Throws what activation() throws. (Shazeer 2020, "GLU Variants
// Improve Transformer")
Tensor gated_activation(std::string_view name, const Tensor& gate, const Tensor& up);

}  // namespace imago::nn
