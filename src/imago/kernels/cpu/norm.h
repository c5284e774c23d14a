// Normalisation of the rows of a contiguous [rows, size] array. T is float, bfloat16, float16 or double; the narrow
// types are computed in float. Output may be the input. Single-threaded: callers split the rows.
#pragma once

#include <cstdint>

namespace imago::kernels {

// output = input / sqrt(mean(input^2) + eps) * (weight + weight_offset); a null weight is one. The offset is 1 in
// models whose checkpoints store the weight's distance from one. ("Root Mean Square Layer Normalization", 2019)
template <class T>
void rms_norm_rows(const T* input, const T* weight, T* output, int64_t rows, int64_t size, double eps,
                   double weight_offset = 0);

// output = (input - mean) / sqrt(variance + eps) * weight + bias; a null weight is one, a null bias zero. The variance
// is the biased one. ("Layer Normalization", 2016)
template <class T>
void layer_norm_rows(const T* input, const T* weight, const T* bias, T* output, int64_t rows, int64_t size, double eps);

}  // namespace imago::kernels
