// From the outputs that diverge to the module that made them.
#pragma once

#include <string>
#include <vector>

#include "imago/nn/model.h"
#include "imago/verify/compare.h"

namespace imago {

// The first module, in the order of computation, whose output failed: "model.layers.3", "the embeddings", or where only
// other outputs did, the first of those. Empty when everything passed.
std::string first_divergence(const std::vector<TensorCheck>& checks, Model& model);

}  // namespace imago
