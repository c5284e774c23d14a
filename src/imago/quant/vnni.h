// Whether products of small integers use AVX-512 VNNI, which multiplies bytes.
#pragma once

namespace imago::quant {

// Whether the processor has it, beside the AVX-512 that kernels/cpu/simd.h chooses by.
bool has_vnni();

// For tests: false is a processor without it, true the processor as it is.
void allow_vnni(bool allowed);

}  // namespace imago::quant
