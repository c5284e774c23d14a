#include "imago/nn/gated_mlp.h"

#include "imago/nn/gated_activation.h"

namespace imago::nn {

GatedMLP::GatedMLP(int64_t hidden_size, int64_t intermediate_size, std::string activation_name, bool bias)
    : gate_proj(hidden_size, intermediate_size, bias),
      up_proj(hidden_size, intermediate_size, bias),
      down_proj(intermediate_size, hidden_size, bias),
      activation(std::move(activation_name)) {}

Tensor GatedMLP::operator()(const Tensor& x) const {
  return down_proj(gated_activation(activation, gate_proj(x), up_proj(x)));
}

}  // namespace imago::nn
