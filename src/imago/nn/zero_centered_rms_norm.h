// The RMSNorm of Gemma.
#pragma once

#include "imago/nn/layers.h"

namespace imago::nn {

// RMSNorm whose checkpoint stores what its weight has beyond 1. Half types are computed in float and rounded once,
// after the weight. (Gemma Team 2024, "Gemma: Open Models Based on Gemini Research and Technology")
struct ZeroCenteredRMSNorm : RMSNorm {
  using RMSNorm::RMSNorm;
  Tensor operator()(const Tensor& x) const;
};

}  // namespace imago::nn
