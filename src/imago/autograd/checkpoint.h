// Gradient checkpointing (Chen et al. 2016): memory for time.
#pragma once

#include <functional>

#include "imago/tensor/tensor.h"

namespace imago {

// Calls `function(inputs)` without keeping what it computes in between; backward computes it again. Gradients flow to
// `inputs` and to `parameters`, the leaves that the function uses besides. The function must give the same both times.
Tensors checkpoint(std::function<Tensors(const Tensors& inputs)> function, const Tensors& inputs,
                   const Tensors& parameters = {});

}  // namespace imago
