#include "imago/kernels/cpu/elementwise.h"

#include <algorithm>
#include <cmath>

#include "imago/kernels/cpu/convert.h"
#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/kernels/cpu/elementwise.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/kernels/cpu/load_store-inl.h"
#include "imago/kernels/cpu/log_float-inl.h"
#include "imago/kernels/cpu/math-inl.h"
#include "imago/kernels/cpu/math_float-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels::HWY_NAMESPACE {
namespace {

using DoubleTag = hn::ScalableTag<double>;
using FloatTag = hn::Rebind<float, DoubleTag>;  // as many floats as a vector has doubles

// Rounds to float, to infinity if it must; Highway's plain targets would stop at the largest finite number.
HWY_INLINE hn::Vec<FloatTag> to_float(hn::Vec<DoubleTag> value) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  const DoubleTag d;
  HWY_ALIGN double lanes[hn::MaxLanes(d)];
  HWY_ALIGN float rounded[hn::MaxLanes(d)];
  hn::Store(value, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) rounded[i] = static_cast<float>(lanes[i]);
  return hn::Load(FloatTag(), rounded);
#else
  return hn::DemoteTo(FloatTag(), value);
#endif
}

// output[i] = f(inputs[i]...), where f maps vectors of double.
template <class Function, class... Inputs>
HWY_INLINE void map_in_double(Function f, float* output, int64_t size, Inputs... inputs) {
  const FloatTag df;
  const DoubleTag dd;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(dd));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    hn::StoreU(to_float(f(dd, hn::PromoteTo(dd, hn::LoadU(df, inputs + i))...)), df, output + i);
  }
  if (i < size) {
    const size_t rest = static_cast<size_t>(size - i);
    store_some(to_float(f(dd, hn::PromoteTo(dd, load_some(df, inputs + i, rest))...)), df, output + i, rest);
  }
}

// output[i] = f(inputs[i]...), where f maps vectors of float.
template <class Function, class... Inputs>
HWY_INLINE void map(Function f, float* output, int64_t size, Inputs... inputs) {
  const Simd<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) hn::StoreU(f(d, hn::LoadU(d, inputs + i)...), d, output + i);
  if (i < size) {
    const size_t rest = static_cast<size_t>(size - i);
    store_some(f(d, load_some(d, inputs + i, rest)...), d, output + i, rest);
  }
}

#define IMAGO_UNARY(name, map, function)                                                    \
  void name##_array(const float* x, float* y, int64_t size) {                               \
    map([](auto d, auto v) HWY_ATTR { return HWY_NAMESPACE::function(d, v); }, y, size, x); \
  }
IMAGO_UNARY(exp, map, exp_float)
IMAGO_UNARY(expm1, map_in_double, expm1)
IMAGO_UNARY(log, map, log_float)
IMAGO_UNARY(log1p, map, log1p_float)
IMAGO_UNARY(tanh, map, tanh_float)
IMAGO_UNARY(erf, map, erf_float)
IMAGO_UNARY(sigmoid, map, sigmoid_float)
IMAGO_UNARY(softplus, map, softplus_float)
IMAGO_UNARY(silu, map, silu_float)
IMAGO_UNARY(gelu, map, gelu_float)
IMAGO_UNARY(gelu_tanh, map, gelu_tanh_float)
#undef IMAGO_UNARY

void sqrt_array(const float* x, float* y, int64_t size) {
  map([](auto, auto v) HWY_ATTR { return hn::Sqrt(v); }, y, size, x);
}
void rsqrt_array(const float* x, float* y, int64_t size) {
  map([](auto d, auto v) HWY_ATTR { return hn::Div(hn::Set(d, 1.0f), hn::Sqrt(v)); }, y, size, x);
}
void relu_array(const float* x, float* y, int64_t size) {
  map([](auto d, auto v) HWY_ATTR { return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Zero(d), v); }, y, size, x);
}

// Blocks with an argument too large for the vectors are left to the C library, which reduces any.
template <double (*kLibrary)(double)>
HWY_INLINE void sin_blocks(const float* x, float* y, int64_t size, double quarter_turns) {
  constexpr int64_t kBlock = 64;
  for (int64_t begin = 0; begin < size; begin += kBlock) {
    const int64_t count = std::min(kBlock, size - begin);
    bool in_range = true;
    for (int64_t i = begin; i < begin + count; ++i) in_range &= std::abs(x[i]) <= static_cast<float>(kMaxSinArgument);
    if (in_range) {
      map_in_double([quarter_turns](auto d, auto v) HWY_ATTR { return sin_shifted(d, v, quarter_turns); }, y + begin,
                    count, x + begin);
    } else {
      for (int64_t i = begin; i < begin + count; ++i) y[i] = static_cast<float>(kLibrary(x[i]));
    }
  }
}
void sin_array(const float* x, float* y, int64_t size) { sin_blocks<std::sin>(x, y, size, 0); }
void cos_array(const float* x, float* y, int64_t size) { sin_blocks<std::cos>(x, y, size, 1); }

void silu_multiply_array(const float* a, const float* b, float* y, int64_t size) {
  map([](auto d, auto u, auto v) HWY_ATTR { return hn::Mul(silu_float(d, u), v); }, y, size, a, b);
}
void gelu_tanh_multiply_array(const float* a, const float* b, float* y, int64_t size) {
  map([](auto d, auto u, auto v) HWY_ATTR { return hn::Mul(gelu_tanh_float(d, u), v); }, y, size, a, b);
}
void add_array(const float* a, const float* b, float* y, int64_t size) {
  map([](auto, auto u, auto v) HWY_ATTR { return hn::Add(u, v); }, y, size, a, b);
}
void subtract_array(const float* a, const float* b, float* y, int64_t size) {
  map([](auto, auto u, auto v) HWY_ATTR { return hn::Sub(u, v); }, y, size, a, b);
}
void multiply_array(const float* a, const float* b, float* y, int64_t size) {
  map([](auto, auto u, auto v) HWY_ATTR { return hn::Mul(u, v); }, y, size, a, b);
}
void divide_array(const float* a, const float* b, float* y, int64_t size) {
  map([](auto, auto u, auto v) HWY_ATTR { return hn::Div(u, v); }, y, size, a, b);
}
void maximum_array(const float* a, const float* b, float* y, int64_t size) {
  const auto pick = [](auto, auto u, auto v)
                        HWY_ATTR { return hn::IfThenElse(hn::Or(hn::Gt(u, v), hn::IsNaN(u)), u, v); };
  map(pick, y, size, a, b);
}
void minimum_array(const float* a, const float* b, float* y, int64_t size) {
  const auto pick = [](auto, auto u, auto v)
                        HWY_ATTR { return hn::IfThenElse(hn::Or(hn::Lt(u, v), hn::IsNaN(u)), u, v); };
  map(pick, y, size, a, b);
}
void add_scalar_array(const float* a, double b, float* y, int64_t size) {
  map([b](auto d, auto u) HWY_ATTR { return hn::Add(u, hn::Set(d, static_cast<float>(b))); }, y, size, a);
}
void multiply_scalar_array(const float* a, double b, float* y, int64_t size) {
  map([b](auto d, auto u) HWY_ATTR { return hn::Mul(u, hn::Set(d, static_cast<float>(b))); }, y, size, a);
}

}  // namespace
}  // namespace imago::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::kernels {
namespace {

using Unary = void (*)(const float*, float*, int64_t);
using Binary = void (*)(const float*, const float*, float*, int64_t);
using Scalar = void (*)(const float*, double, float*, int64_t);

// What one conversion covers: small enough to stay in the first-level cache.
constexpr int64_t kChunk = 512;

// The kernels know float alone. Narrow types are converted chunk by chunk; double, which serves as the yardstick in
// tests and never the hot path, is computed one by one with the C library's accuracy.
template <class T, class Plain>
void apply(Unary kernel, Plain plain, const T* input, T* output, int64_t size) {
  if constexpr (std::is_same_v<T, float>) {
    kernel(input, output, size);
  } else if constexpr (std::is_same_v<T, double>) {
    for (int64_t i = 0; i < size; ++i) output[i] = plain(input[i]);
  } else {
    float chunk[kChunk];
    for (int64_t begin = 0; begin < size; begin += kChunk) {
      const int64_t count = std::min(kChunk, size - begin);
      convert(input + begin, chunk, count);
      kernel(chunk, chunk, count);
      convert(chunk, output + begin, count);
    }
  }
}

template <class T, class Plain>
void apply(Binary kernel, Plain plain, const T* a, const T* b, T* output, int64_t size) {
  if constexpr (std::is_same_v<T, float>) {
    kernel(a, b, output, size);
  } else if constexpr (std::is_same_v<T, double>) {
    for (int64_t i = 0; i < size; ++i) output[i] = plain(a[i], b[i]);
  } else {
    float left[kChunk], right[kChunk];
    for (int64_t begin = 0; begin < size; begin += kChunk) {
      const int64_t count = std::min(kChunk, size - begin);
      convert(a + begin, left, count);
      convert(b + begin, right, count);
      kernel(left, right, left, count);
      convert(left, output + begin, count);
    }
  }
}

template <class T, class Plain>
void apply(Scalar kernel, Plain plain, const T* a, double b, T* output, int64_t size) {
  if constexpr (std::is_same_v<T, float>) {
    kernel(a, b, output, size);
  } else if constexpr (std::is_same_v<T, double>) {
    for (int64_t i = 0; i < size; ++i) output[i] = plain(a[i], b);
  } else {
    float chunk[kChunk];
    for (int64_t begin = 0; begin < size; begin += kChunk) {
      const int64_t count = std::min(kChunk, size - begin);
      convert(a + begin, chunk, count);
      kernel(chunk, b, chunk, count);
      convert(chunk, output + begin, count);
    }
  }
}

double plain_silu(double x) { return x / (1 + std::exp(-x)); }
double plain_gelu_tanh(double x) {
  return 0.5 * x * (1 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

}  // namespace

#define IMAGO_UNARY(name, plain)                                               \
  HWY_EXPORT(name##_array);                                                    \
  template <class T>                                                           \
  void name(const T* input, T* output, int64_t size) {                         \
    const auto in_double = [](double x) { return plain; };                     \
    apply(HWY_DYNAMIC_DISPATCH(name##_array), in_double, input, output, size); \
  }                                                                            \
  template void name(const float* input, float* output, int64_t size);         \
  template void name(const bfloat16* input, bfloat16* output, int64_t size);   \
  template void name(const float16* input, float16* output, int64_t size);     \
  template void name(const double* input, double* output, int64_t size);
IMAGO_UNARY(exp, std::exp(x))
IMAGO_UNARY(expm1, std::expm1(x))
IMAGO_UNARY(log, std::log(x))
IMAGO_UNARY(log1p, std::log1p(x))
IMAGO_UNARY(sqrt, std::sqrt(x))
IMAGO_UNARY(rsqrt, 1 / std::sqrt(x))
IMAGO_UNARY(sin, std::sin(x))
IMAGO_UNARY(cos, std::cos(x))
IMAGO_UNARY(tanh, std::tanh(x))
IMAGO_UNARY(erf, std::erf(x))
IMAGO_UNARY(sigmoid, 1 / (1 + std::exp(-x)))
IMAGO_UNARY(softplus, std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))))
IMAGO_UNARY(silu, plain_silu(x))
IMAGO_UNARY(gelu, 0.5 * x * std::erfc(-x * 0.70710678118654752440))
IMAGO_UNARY(gelu_tanh, plain_gelu_tanh(x))
IMAGO_UNARY(relu, x < 0 ? 0 : x)
#undef IMAGO_UNARY

#define IMAGO_BINARY(name, plain)                                                           \
  HWY_EXPORT(name##_array);                                                                 \
  template <class T>                                                                        \
  void name(const T* a, const T* b, T* output, int64_t size) {                              \
    const auto in_double = [](double x, double y) { return plain; };                        \
    apply(HWY_DYNAMIC_DISPATCH(name##_array), in_double, a, b, output, size);               \
  }                                                                                         \
  template void name(const float* a, const float* b, float* output, int64_t size);          \
  template void name(const bfloat16* a, const bfloat16* b, bfloat16* output, int64_t size); \
  template void name(const float16* a, const float16* b, float16* output, int64_t size);    \
  template void name(const double* a, const double* b, double* output, int64_t size);
IMAGO_BINARY(add, x + y)
IMAGO_BINARY(subtract, x - y)
IMAGO_BINARY(multiply, x* y)
IMAGO_BINARY(divide, x / y)
IMAGO_BINARY(maximum, x > y || std::isnan(x) ? x : y)
IMAGO_BINARY(minimum, x < y || std::isnan(x) ? x : y)
IMAGO_BINARY(silu_multiply, plain_silu(x) * y)
IMAGO_BINARY(gelu_tanh_multiply, plain_gelu_tanh(x) * y)
#undef IMAGO_BINARY

#define IMAGO_SCALAR(name, plain)                                                  \
  HWY_EXPORT(name##_array);                                                        \
  template <class T>                                                               \
  void name(const T* a, double b, T* output, int64_t size) {                       \
    const auto in_double = [](double x, double y) { return plain; };               \
    apply(HWY_DYNAMIC_DISPATCH(name##_array), in_double, a, b, output, size);      \
  }                                                                                \
  template void name(const float* a, double b, float* output, int64_t size);       \
  template void name(const bfloat16* a, double b, bfloat16* output, int64_t size); \
  template void name(const float16* a, double b, float16* output, int64_t size);   \
  template void name(const double* a, double b, double* output, int64_t size);
IMAGO_SCALAR(add_scalar, x + y)
IMAGO_SCALAR(multiply_scalar, x* y)
#undef IMAGO_SCALAR

}  // namespace imago::kernels
#endif
