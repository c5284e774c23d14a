#include "imago/kernels/cpu/norm.h"

#include <cmath>

#include "imago/kernels/cpu/each_type.h"
#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/kernels/cpu/norm.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/kernels/cpu/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels::HWY_NAMESPACE {
namespace {

template <class T>
void rms_norm(const T* input, const T* weight, T* output, int64_t rows, int64_t size, double eps, double offset) {
  using Sum = accumulate_t<T>;
  const Simd<T> d;
  const auto weight_offset = hn::Set(d, static_cast<Sum>(offset));
  for (int64_t row = 0; row < rows; ++row, input += size, output += size) {
    const Sum squares = sum_row(input, size, [](auto x) HWY_ATTR { return hn::Mul(x, x); });
    const auto scale = hn::Set(d, static_cast<Sum>(1 / std::sqrt(static_cast<double>(squares) / size + eps)));
    if (weight == nullptr) {
      map_row(input, output, size, [&](auto x) HWY_ATTR { return hn::Mul(x, scale); });
      continue;
    }
    const auto scaled = [&](auto x, auto w) HWY_ATTR { return hn::Mul(hn::Mul(x, scale), hn::Add(w, weight_offset)); };
    map_rows(output, size, scaled, input, weight);
  }
}

template <class T>
void layer_norm(const T* input, const T* weight, const T* bias, T* output, int64_t rows, int64_t size, double eps) {
  using Sum = accumulate_t<T>;
  const Simd<T> d;
  for (int64_t row = 0; row < rows; ++row, input += size, output += size) {
    const double count = static_cast<double>(size);
    const Sum mean = static_cast<Sum>(sum_row(input, size, [](auto x) HWY_ATTR { return x; }) / count);
    const auto mean_lanes = hn::Set(d, mean);
    // Two passes, for the difference of two large sums would cancel; and what rounding left of the mean is taken out.
    const auto centered = [&](auto x) HWY_ATTR { return hn::Sub(x, mean_lanes); };
    const Sum residue = static_cast<Sum>(sum_row(input, size, centered) / count);
    const auto residue_lanes = hn::Set(d, residue);
    const auto square = [&](auto x) HWY_ATTR {
      const auto deviation = hn::Sub(centered(x), residue_lanes);
      return hn::Mul(deviation, deviation);
    };
    const double variance = static_cast<double>(sum_row(input, size, square)) / count;
    const auto scale = hn::Set(d, static_cast<Sum>(1 / std::sqrt(variance + eps)));
    const auto normal = [&](auto x) HWY_ATTR { return hn::Mul(hn::Sub(centered(x), residue_lanes), scale); };
    if (weight != nullptr && bias != nullptr) {
      const auto affine = [&](auto x, auto w, auto b) HWY_ATTR { return hn::MulAdd(normal(x), w, b); };
      map_rows(output, size, affine, input, weight, bias);
    } else if (weight != nullptr) {
      map_rows(
          output, size, [&](auto x, auto w) HWY_ATTR { return hn::Mul(normal(x), w); }, input, weight);
    } else if (bias != nullptr) {
      map_rows(
          output, size, [&](auto x, auto b) HWY_ATTR { return hn::Add(normal(x), b); }, input, bias);
    } else {
      map_row(input, output, size, normal);
    }
  }
}

#define IMAGO_ROWS(T)                                                                                        \
  void rms_norm_##T(const T* input, const T* weight, T* output, int64_t rows, int64_t size, double eps,      \
                    double weight_offset) {                                                                  \
    rms_norm(input, weight, output, rows, size, eps, weight_offset);                                         \
  }                                                                                                          \
  void layer_norm_##T(const T* input, const T* weight, const T* bias, T* output, int64_t rows, int64_t size, \
                      double eps) {                                                                          \
    layer_norm(input, weight, bias, output, rows, size, eps);                                                \
  }
IMAGO_EACH_TYPE(IMAGO_ROWS)
#undef IMAGO_ROWS

}  // namespace
}  // namespace imago::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::kernels {

#define IMAGO_ROWS(T)                                                                                         \
  namespace {                                                                                                 \
  HWY_EXPORT(rms_norm_##T);                                                                                   \
  HWY_EXPORT(layer_norm_##T);                                                                                 \
  }                                                                                                           \
  template <>                                                                                                 \
  void rms_norm_rows(const T* input, const T* weight, T* output, int64_t rows, int64_t size, double eps,      \
                     double weight_offset) {                                                                  \
    HWY_DYNAMIC_DISPATCH(rms_norm_##T)(input, weight, output, rows, size, eps, weight_offset);                \
  }                                                                                                           \
  template <>                                                                                                 \
  void layer_norm_rows(const T* input, const T* weight, const T* bias, T* output, int64_t rows, int64_t size, \
                       double eps) {                                                                          \
    HWY_DYNAMIC_DISPATCH(layer_norm_##T)(input, weight, bias, output, rows, size, eps);                       \
  }
IMAGO_EACH_TYPE(IMAGO_ROWS)
#undef IMAGO_ROWS

}  // namespace imago::kernels
#endif
