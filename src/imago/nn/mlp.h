// The two dense layers behind attention (Vaswani et al. 2017, section 3.3).
#pragma once

#include <string_view>

#include "imago/nn/activations.h"
#include "imago/nn/layers.h"

namespace imago::nn {

// fc2(activation(fc1(x)))
struct MLP : Module {
  Linear fc1, fc2;
  FIELDS(fc1, fc2)

  MLP(int64_t hidden_size, int64_t intermediate_size, std::string_view hidden_act)
      : fc1(hidden_size, intermediate_size),
        fc2(intermediate_size, hidden_size),
        activation(nn::activation(hidden_act)) {}
  Tensor operator()(const Tensor& x) const { return fc2(activation(fc1(x))); }

  Activation activation;
};

}  // namespace imago::nn
