// The scales of 4-bit weights, quantized in their turn ("double quantization", Dettmers et al. 2023).
#pragma once

#include "imago/quant/codebook/codebooks.h"

namespace imago::quant {

// `tensors` with float32 scales become those with scales of 8 bits: what is above their mean, in blocks of 256 with a
// largest magnitude each, as bitsandbytes stores them. The mean is taken in double, the package's in float.
void nest_scales(FourBitTensors& tensors);

}  // namespace imago::quant
