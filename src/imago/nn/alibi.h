// Attention with linear biases (Press et al. 2022, "Train Short, Test Long: Attention with Linear Biases Enables Input
// Length Extrapolation").
#pragma once

#include "imago/nn/attention.h"

namespace imago::nn {

// What each head's scores fall by per position of distance, [H]: 2^(-8/n), 2^(-16/n), ... for the largest power of two
// n that is not above the number of heads; the heads beyond have every other slope of 2 n heads.
Tensor alibi_slopes(int64_t heads, DType dtype);

// slope * position of each key, [B, H, 1, S] in the slopes' dtype: a softmax does not see that the query's position is
// not subtracted. Padding does not count as position: attention_mask is [B, S], or undefined where there is none (then
// B is 1).
Tensor alibi_bias(const Tensor& slopes, const Tensor& attention_mask, int64_t keys);

// The context's bias, with slopes of that dtype. Where there is padding attention is eager: the reference's own then
// spreads the weight of a query that sees no key over all of them.
void tell_distances(AttentionContext& context, const TextInputs& inputs, const Tensor& x_BTD, int64_t heads,
                    DType slopes);

}  // namespace imago::nn
