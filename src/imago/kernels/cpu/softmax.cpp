#include "imago/kernels/cpu/softmax.h"

#include <cmath>

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/kernels/cpu/softmax.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/kernels/cpu/math_float-inl.h"
#include "imago/kernels/cpu/row-inl.h"

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

// The sum of exp(input - largest), and the terms themselves if output is not null.
template <class T>
accumulate_t<T> sum_of_exponentials(const T* input, accumulate_t<T> largest, T* output, int64_t size) {
  const Simd<T> d;
  const auto offset = hn::Set(d, largest);
  const auto term = [&](auto x) HWY_ATTR { return exp_lanes(hn::Sub(x, offset)); };
  if (output == nullptr) return sum_row(input, size, term);
  // Narrow outputs cannot hold the terms for a second pass, so they are computed twice.
  if constexpr (!std::is_same_v<T, accumulate_t<T>>) {
    return sum_row(input, size, term);
  } else {
    map_row(input, output, size, term);
    return sum_row(output, size, [](auto x) HWY_ATTR { return x; });
  }
}

template <class T>
void softmax(const T* input, T* output, int64_t rows, int64_t size) {
  const Simd<T> d;
  for (int64_t row = 0; row < rows; ++row, input += size, output += size) {
    if (size == 0) continue;
    const accumulate_t<T> largest = max_row(input, size);
    const auto scale = hn::Set(d, 1 / sum_of_exponentials(input, largest, output, size));
    if constexpr (std::is_same_v<T, accumulate_t<T>>) {
      map_row(output, output, size, [&](auto x) HWY_ATTR { return hn::Mul(x, scale); });
    } else {
      const auto offset = hn::Set(d, largest);
      map_row(input, output, size, [&](auto x) HWY_ATTR { return hn::Mul(exp_lanes(hn::Sub(x, offset)), scale); });
    }
  }
}

template <class T>
void log_softmax(const T* input, T* output, int64_t rows, int64_t size) {
  const Simd<T> d;
  for (int64_t row = 0; row < rows; ++row, input += size, output += size) {
    if (size == 0) continue;
    const accumulate_t<T> largest = max_row(input, size);
    const accumulate_t<T> sum = sum_of_exponentials(input, largest, static_cast<T*>(nullptr), size);
    // Two subtractions: adding the small logarithm to the large maximum first would lose its digits.
    const auto offset = hn::Set(d, largest);
    const auto log_sum = hn::Set(d, std::log(sum));
    map_row(input, output, size, [&](auto x) HWY_ATTR { return hn::Sub(hn::Sub(x, offset), log_sum); });
  }
}

#define IMAGO_ROWS(T)                                                                                             \
  void softmax_##T(const T* input, T* output, int64_t rows, int64_t size) { softmax(input, output, rows, size); } \
  void log_softmax_##T(const T* input, T* output, int64_t rows, int64_t size) {                                   \
    log_softmax(input, output, rows, size);                                                                       \
  }
IMAGO_ROWS(float)
IMAGO_ROWS(bfloat16)
IMAGO_ROWS(float16)
IMAGO_ROWS(double)
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
IMAGO_ROWS(float)
IMAGO_ROWS(bfloat16)
IMAGO_ROWS(float16)
IMAGO_ROWS(double)
#undef IMAGO_ROWS

}  // namespace imago::kernels
#endif
