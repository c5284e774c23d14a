// Weights as AWQ checkpoints of the Hub store them (AutoAWQ's "gemm" layout; Lin et al. 2023).
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::quant {

// The weight [out, in], scale * (q - zero) exactly, from qweight int32 [in, out / 8], qzeros int32 [groups, out / 8]
// and scales [groups, out]. Throws as gptq_weight does.
Tensor awq_weight(const Tensor& qweight, const Tensor& qzeros, const Tensor& scales, DType dtype);

}  // namespace imago::quant
