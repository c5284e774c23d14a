// Activation functions under the names that `hidden_act` and its like have in a config.json.
#pragma once

#include <string_view>

#include "imago/tensor/tensor.h"

namespace imago::nn {

using Activation = Tensor (*)(const Tensor& x);

// The function of that name. Throws Error kUnsupported naming those there are, and for the names of activations that
// have parameters (prelu, xielu): those are functions of more than x.
Activation activation(std::string_view name);

// Half types are computed in float and rounded once.
Tensor relu6(const Tensor& x);                                     // min(max(x, 0), 6)
Tensor relu_squared(const Tensor& x);                              // max(x, 0)^2
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);  // x, or negative_slope x below 0
Tensor elu(const Tensor& x, double alpha = 1);                     // x, or alpha (exp(x) - 1) below 0
Tensor softplus(const Tensor& x);                                  // log(1 + exp(x))
Tensor sqrt_softplus(const Tensor& x);                             // its square root
Tensor mish(const Tensor& x);                                      // x tanh(softplus(x))
Tensor quick_gelu(const Tensor& x);                                // x sigmoid(1.702 x)
Tensor clipped_gelu(const Tensor& x, double min = -10, double max = 10);
Tensor hardsigmoid(const Tensor& x);                                             // relu6(x + 3) / 6
Tensor hardswish(const Tensor& x);                                               // x relu6(x + 3) / 6
Tensor laplace(const Tensor& x, double mu = 0.707107, double sigma = 0.282095);  // "Mega", 2022
Tensor prelu(const Tensor& x, const Tensor& weight);                             // x, or weight x below 0; weight [1]

// "Deriving Activation Functions Using Integration", 2024: below 0 (exp(min(x, eps)) - 1 - x) a_n + beta x, above
// a_p x^2 + beta x, with a_p = softplus(alpha_p) and a_n = beta + softplus(alpha_n); parameters have one element.
Tensor xielu(const Tensor& x, const Tensor& alpha_p, const Tensor& alpha_n, const Tensor& beta, const Tensor& eps);

}  // namespace imago::nn
