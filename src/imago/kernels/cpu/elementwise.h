// Elementwise operations on contiguous arrays. T is float, bfloat16, float16 or double; the narrow types are computed
// in float and rounded once. Output may be an input. Single-threaded: callers split the work.
//
// In float every function is within 2.5 units in the last place, gelu within 4.5, for all arguments (sin and cos reduce
// huge ones exactly). Of gelu and gelu_tanh that holds for an argument within one unit of the given one, for in their
// left tails a unit of x is x^2 units of the result. NaN and infinity propagate as in torch.
#pragma once

#include <cstdint>

#include "imago/kernels/cpu/half.h"

namespace imago::kernels {

// output[i] = f(input[i])
template <class T>
void exp(const T* input, T* output, int64_t size);
template <class T>
void expm1(const T* input, T* output, int64_t size);
template <class T>
void log(const T* input, T* output, int64_t size);
template <class T>
void log1p(const T* input, T* output, int64_t size);
template <class T>
void sqrt(const T* input, T* output, int64_t size);
template <class T>
void rsqrt(const T* input, T* output, int64_t size);
template <class T>
void sin(const T* input, T* output, int64_t size);
template <class T>
void cos(const T* input, T* output, int64_t size);
template <class T>
void tanh(const T* input, T* output, int64_t size);
template <class T>
void erf(const T* input, T* output, int64_t size);
template <class T>
void sigmoid(const T* input, T* output, int64_t size);
template <class T>
void softplus(const T* input, T* output, int64_t size);  // log(1 + exp(x))
template <class T>
void silu(const T* input, T* output, int64_t size);  // x sigmoid(x)
template <class T>
void gelu(const T* input, T* output, int64_t size);  // x (1 + erf(x / sqrt 2)) / 2
template <class T>
void gelu_tanh(const T* input, T* output, int64_t size);  // the approximation by tanh
template <class T>
void relu(const T* input, T* output, int64_t size);

// output[i] = a[i] op b[i]
template <class T>
void add(const T* a, const T* b, T* output, int64_t size);
template <class T>
void subtract(const T* a, const T* b, T* output, int64_t size);
template <class T>
void multiply(const T* a, const T* b, T* output, int64_t size);
template <class T>
void divide(const T* a, const T* b, T* output, int64_t size);
template <class T>
void maximum(const T* a, const T* b, T* output, int64_t size);
template <class T>
void minimum(const T* a, const T* b, T* output, int64_t size);

// output[i] = a[i] op b. The scalar is not rounded to T first.
template <class T>
void add_scalar(const T* a, double b, T* output, int64_t size);
template <class T>
void multiply_scalar(const T* a, double b, T* output, int64_t size);

// output[i] = silu(gate[i]) * up[i], the gated activation of most decoders, rounded once.
template <class T>
void silu_multiply(const T* gate, const T* up, T* output, int64_t size);
template <class T>
void gelu_tanh_multiply(const T* gate, const T* up, T* output, int64_t size);

}  // namespace imago::kernels
