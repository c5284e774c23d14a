// Softmax over the rows of a contiguous [rows, size] array. T is float, bfloat16, float16 or double; the narrow types
// are computed in float. Output may be the input. Single-threaded: callers split the rows.
#pragma once

#include <cstdint>

namespace imago::kernels {

// output[i] = exp(input[i]) / sum(exp(input)). A row of nothing but -infinity becomes NaN, as in torch.
template <class T>
void softmax_rows(const T* input, T* output, int64_t rows, int64_t size);

// output[i] = input[i] - log(sum(exp(input)))
template <class T>
void log_softmax_rows(const T* input, T* output, int64_t rows, int64_t size);

}  // namespace imago::kernels
