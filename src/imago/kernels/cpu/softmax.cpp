#include "imago/kernels/cpu/softmax.h"

#include <algorithm>
#include <cmath>

#include "imago/kernels/cpu/each_type.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/kernels/cpu/softmax.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/kernels/cpu/math_float-inl.h"
#include "imago/kernels/cpu/row-inl.h"

#ifndef IMAGO_KERNELS_CPU_SOFTMAX_ONCE
#define IMAGO_KERNELS_CPU_SOFTMAX_ONCE
namespace imago::kernels {
namespace {

constexpr int64_t kBlock = 2048;
thread_local Scratch row_scratch;

}  // namespace
}  // namespace imago::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::kernels::HWY_NAMESPACE {
namespace {

// e^x for what a row is computed in. In double, one by one: that is the yardstick of tests, not the hot path.
HWY_INLINE hn::Vec<Simd<float>> exp_lanes(hn::Vec<Simd<float>> x) { return exp_float(Simd<float>(), x); }
HWY_INLINE hn::Vec<Simd<double>> exp_lanes(hn::Vec<Simd<double>> x) {
  const Simd<double> d;
  HWY_ALIGN double lanes[hn::MaxLanes(d)];
  hn::Store(x, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = std::exp(lanes[i]);
  return hn::Load(d, lanes);
}

template <class T>
void softmax(const T* input, T* output, int64_t rows, int64_t size) {
  using Sum = accumulate_t<T>;
  const Simd<T> d;
  for (int64_t row = 0; row < rows; ++row, input += size, output += size) {
    if (size == 0) continue;
    // The terms, which narrow outputs cannot hold until their sum is known.
    Sum* terms = nullptr;
    if constexpr (std::is_same_v<T, Sum>) {
      terms = output;
    } else {
      terms = row_scratch.get<Sum>(size);
    }
    const auto offset = hn::Set(d, max_row(input, size));
    // Block by block, so that the terms are added up while they are in the nearest cache.
    double sum = 0;
    for (int64_t begin = 0; begin < size; begin += kBlock) {
      const int64_t count = std::min(kBlock, size - begin);
      map_row(input + begin, terms + begin, count, [&](auto x) HWY_ATTR { return exp_lanes(hn::Sub(x, offset)); });
      sum += sum_row(terms + begin, count, [](auto x) HWY_ATTR { return x; });
    }
    const auto scale = hn::Set(d, static_cast<Sum>(1 / sum));
    map_row(terms, output, size, [&](auto x) HWY_ATTR { return hn::Mul(x, scale); });
  }
}

template <class T>
void log_softmax(const T* input, T* output, int64_t rows, int64_t size) {
  const Simd<T> d;
  for (int64_t row = 0; row < rows; ++row, input += size, output += size) {
    if (size == 0) continue;
    const accumulate_t<T> largest = max_row(input, size);
    const auto offset = hn::Set(d, largest);
    const accumulate_t<T> sum = sum_row(input, size, [&](auto x) HWY_ATTR { return exp_lanes(hn::Sub(x, offset)); });
    // Two subtractions: adding the small logarithm to the large maximum first would lose its digits.
    const auto log_sum = hn::Set(d, std::log(sum));
    map_row(input, output, size, [&](auto x) HWY_ATTR { return hn::Sub(hn::Sub(x, offset), log_sum); });
  }
}

#define IMAGO_ROWS(T)                                                                                             \
  void softmax_##T(const T* input, T* output, int64_t rows, int64_t size) { softmax(input, output, rows, size); } \
  void log_softmax_##T(const T* input, T* output, int64_t rows, int64_t size) {                                   \
    log_softmax(input, output, rows, size);                                                                       \
  }
IMAGO_EACH_TYPE(IMAGO_ROWS)
#undef IMAGO_ROWS

}  // namespace
}  // namespace imago::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::kernels {

#define IMAGO_ROWS(T)                                                            \
  namespace {                                                                    \
  HWY_EXPORT(softmax_##T);                                                       \
  HWY_EXPORT(log_softmax_##T);                                                   \
  }                                                                              \
  template <>                                                                    \
  void softmax_rows(const T* input, T* output, int64_t rows, int64_t size) {     \
    HWY_DYNAMIC_DISPATCH(softmax_##T)(input, output, rows, size);                \
  }                                                                              \
  template <>                                                                    \
  void log_softmax_rows(const T* input, T* output, int64_t rows, int64_t size) { \
    HWY_DYNAMIC_DISPATCH(log_softmax_##T)(input, output, rows, size);            \
  }
IMAGO_EACH_TYPE(IMAGO_ROWS)
#undef IMAGO_ROWS

}  // namespace imago::kernels
#endif
