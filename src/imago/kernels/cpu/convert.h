// Conversion of arrays between float and the narrow types of half.h, vectorised; the same rounding as there.
#pragma once

#include <cstdint>

#include "imago/kernels/cpu/half.h"

namespace imago::kernels {

// output[i] = input[i] for i in [0, size). The arrays must not overlap. Single-threaded: callers split the work.
void convert(const bfloat16* input, float* output, int64_t size);
void convert(const float16* input, float* output, int64_t size);
void convert(const float8_e4m3fn* input, float* output, int64_t size);
void convert(const float8_e5m2* input, float* output, int64_t size);
void convert(const float* input, bfloat16* output, int64_t size);
void convert(const float* input, float16* output, int64_t size);
void convert(const float* input, float8_e4m3fn* output, int64_t size);
void convert(const float* input, float8_e5m2* output, int64_t size);
void convert(const float* input, float* output, int64_t size);  // a copy, for generic callers

}  // namespace imago::kernels
