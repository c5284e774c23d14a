// Weights as GPTQ checkpoints of the Hub store them (AutoGPTQ, GPTQModel; Frantar et al. 2022).
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::quant {

// A layer of `in` inputs and `out` outputs; values of 2, 3, 4 or 8 bits follow one another
// through the words of a column of qweight and of a row of qzeros, the first in the lowest bits.
struct GptqTensors {
  Tensor qweight;  // int32 [in * bits / 32, out]
  Tensor qzeros;   // int32 [groups, out * bits / 32]
  Tensor scales;   // float [groups, out]
  Tensor g_idx;    // int32 [in]: the group of each input; undefined where they are in order
};

// The weight [out, in], scale * (q - zero) exactly. `zeros_less_one`: the file has zero points less one, as all but
// the second version of the layout have. Groups that g_idx scatters (act-order) are sorted, and inputs with them.
// Throws Error kUnsupported for other bits, groups that are no multiple of 32, scales beyond float16, and
// kInvalidFile for shapes that do not fit.
Tensor gptq_weight(const GptqTensors& tensors, int64_t bits, bool zeros_less_one, DType dtype);

}  // namespace imago::quant
