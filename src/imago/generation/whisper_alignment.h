// When each token was said: the attention of a decoder to the sound, and the shortest way through it (Sakoe and Chiba
// 1978, "Dynamic programming algorithm optimization for spoken word recognition").
#pragma once

#include <cstdint>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

// The time at which each of the tokens ends, in seconds. `attention` [heads, tokens, positions] is what each token
// looked at, float32; each head's is centred over the tokens and smoothed by a median over `filter_width` positions.
std::vector<float> token_end_times(const Tensor& attention, int64_t filter_width);

}  // namespace imago
