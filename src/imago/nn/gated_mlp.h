// The gated feed forward of most decoders (Shazeer 2020, "GLU Variants Improve Transformer").
#pragma once

#include <string>

#include "imago/nn/layers.h"

namespace imago::nn {

// down_proj(activation(gate_proj(x)) up_proj(x))
struct GatedMLP : Module {
  Linear gate_proj, up_proj, down_proj;
  FIELDS(gate_proj, up_proj, down_proj)

  GatedMLP(int64_t hidden_size, int64_t intermediate_size, std::string activation, bool bias = false);
  Tensor operator()(const Tensor& x) const;

  std::string activation;
};

}  // namespace imago::nn
