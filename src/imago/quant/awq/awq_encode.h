// Weights rounded to 4 bits with the inputs that matter most scaled up first (Lin et al. 2023, "AWQ").
#pragma once

#include <cstdint>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago::quant {

// As awq_weight takes them.
struct AwqTensors {
  Tensor qweight, qzeros, scales;
};

// To the nearest of 16 values between the least and the largest of each group of `group_size` inputs. `weight`
// [out, in]. Throws Error kInvalidArgument where outputs are no multiple of 8 or inputs none of the group's size, and
// for values that are not finite.
AwqTensors encode_awq(const Tensor& weight, int64_t group_size);

// What each input of layers with common inputs is to be multiplied by in the weights, and divided by in the inputs:
// mean |x|^a of that input, with the exponent out of twenty in [0, 1) for which the products of the rounded weights
// [out, in] with `samples` [rows, in] are nearest to those of the plain ones. `magnitudes` [in]: mean |x|.
std::vector<float> awq_input_scales(const std::vector<Tensor>& weights, const std::vector<float>& magnitudes,
                                    const Tensor& samples, int64_t group_size);

}  // namespace imago::quant
