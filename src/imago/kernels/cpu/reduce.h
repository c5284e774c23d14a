// Reductions of a contiguous array. T is float, bfloat16, float16 or double; the narrow types sum in float.
// Single-threaded: callers split the rows.
#pragma once

#include <cstdint>

#include "imago/kernels/cpu/half.h"

namespace imago::kernels {

// Summed blockwise, so that the error grows with the logarithm of the size. Zero for an empty array.
template <class T>
accumulate_t<T> sum(const T* input, int64_t size);

template <class T>
accumulate_t<T> sum_of_squares(const T* input, int64_t size);

template <class T>
accumulate_t<T> dot(const T* a, const T* b, int64_t size);

// NaN if there is one, as in torch. The array must not be empty.
template <class T>
accumulate_t<T> max(const T* input, int64_t size);
template <class T>
accumulate_t<T> min(const T* input, int64_t size);

// The first index of the largest (smallest) element; of the first NaN if there is one. The array must not be empty.
template <class T>
int64_t argmax(const T* input, int64_t size);
template <class T>
int64_t argmin(const T* input, int64_t size);

}  // namespace imago::kernels
