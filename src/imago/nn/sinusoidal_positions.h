// Positions as sines and cosines of their angles (Vaswani et al. 2017, section 3.5).
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::nn {

// Frequencies fall from 1 to nearly 1 / 10000 (the paper's), or to 1 / 10000 itself (tensor2tensor's).
enum class Sinusoids { kPaper, kTensor2Tensor };

// Positions [...] int64 -> [..., size] float32: all sines, then all cosines. Of an odd size the paper's have one sine
// more, tensor2tensor's end with a zero. Computed in float64 and rounded once.
Tensor sinusoidal_positions(const Tensor& positions, int64_t size, Sinusoids kind);

// The same, the paper's frequencies, with each sine beside its cosine.
Tensor interleaved_sinusoidal_positions(const Tensor& positions, int64_t size);

}  // namespace imago::nn
