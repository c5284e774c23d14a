// Weights rounded so that the products with what a layer sees change least (Frantar et al. 2022, "GPTQ").
#pragma once

#include <cstdint>

#include "imago/quant/gptq/gptq_weight.h"
#include "imago/tensor/tensor.h"

namespace imago::quant {

// Names and defaults are those of the Hub's configuration.
struct GptqOptions {
  int64_t bits = 4;
  int64_t group_size = 128;  // inputs that share a scale: 32, 64 or 128
  bool sym = true;           // the zero point lies in the middle
  bool desc_act = false;     // inputs are rounded in the order of their magnitude, and groups are made of them so
  double damp_percent = 0.01;
};

struct GptqResult {
  GptqTensors tensors;  // zero points less one, as the first version of the layout has them
  double error = 0;     // of the products, as a share of their own squares
};

// `weight` [out, in]; `hessian` float32 [in, in] the sum of x^T x over the inputs x of a layer, which is used up. Where
// it has no factor, more is added to its diagonal. Throws Error kInvalidArgument for sizes that are no multiples of
// group_size and of a word, and for values that are not finite.
GptqResult encode_gptq(const Tensor& weight, Tensor hessian, const GptqOptions& options);

}  // namespace imago::quant
