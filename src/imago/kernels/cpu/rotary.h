// Rotary position embedding ("RoFormer", 2021).
#pragma once

#include <cstdint>

namespace imago::kernels {

// Which two elements of a head form the pair that is rotated.
enum class RotaryPairs {
  kHalves,       // i and i + size / 2
  kInterleaved,  // 2 i and 2 i + 1
};

// Rotates `rows` vectors of `size` elements (the heads of one token) by the same angles: pair i, (x, y), becomes
// (x cos[i] - y sin[i], y cos[i] + x sin[i]), where cos and sin have size / 2 elements. Row number r begins at r *
// stride. T is float, bfloat16, float16 or double; the narrow types are computed in float. Output may be the input.
// Single-threaded: callers split the tokens.
template <class T>
void rotary_rows(const T* input, int64_t input_stride, const float* cos, const float* sin, T* output,
                 int64_t output_stride, int64_t rows, int64_t size, RotaryPairs pairs);

}  // namespace imago::kernels
