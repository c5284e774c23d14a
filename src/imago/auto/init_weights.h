// Random values for a model's parameters.
#pragma once

#include <cstdint>

#include "imago/nn/model.h"

namespace imago {

// Matrices are drawn from a normal distribution of the configuration's initializer_range (0.02 where it has none),
// biases are 0 and the scales of norms 1. The same seed gives the same values on every machine and number of threads.
void init_weights(Model& model, uint64_t seed, DType dtype);

}  // namespace imago
