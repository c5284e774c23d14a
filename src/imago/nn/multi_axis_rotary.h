// Rotary positions in several directions at once (Wang et al. 2024, "Qwen2-VL", section 2.1): each pair of channels
// turns by the position in one of them.
#pragma once

#include <span>

#include "imago/nn/rotary.h"

namespace imago::nn {

// positions [axes, B, T] int64; pair i of channels turns by positions[axis_of_pair[i]] * frequencies[i]. Angles are
// computed in float64 and rounded once, to `dtype`: [B, T, pairs] each.
RotaryAngles multi_axis_angles(const Tensor& positions, std::span<const double> frequencies,
                               std::span<const int64_t> axis_of_pair, DType dtype);

}  // namespace imago::nn
