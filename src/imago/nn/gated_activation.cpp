#include "imago/nn/gated_activation.h"

#include "imago/nn/activations.h"
#include "imago/ops/operators.h"
#include "imago/ops/swiglu/swiglu.h"

namespace imago::nn {

Tensor gated_activation(std::string_view name, const Tensor& gate, const Tensor& up) {
  if (name == "silu" || name == "swish") return swiglu(gate, up);
  return activation(name)(gate) * up;
}

}  // namespace imago::nn
