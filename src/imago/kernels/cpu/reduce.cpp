#include "imago/kernels/cpu/reduce.h"

#include <cmath>

#include "imago/kernels/cpu/each_type.h"
#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/kernels/cpu/reduce.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/kernels/cpu/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels::HWY_NAMESPACE {
namespace {

#define IMAGO_REDUCE(T)                                                                     \
  accumulate_t<T> sum_##T(const T* input, int64_t size) {                                   \
    return sum_row(input, size, [](auto x) HWY_ATTR { return x; });                         \
  }                                                                                         \
  accumulate_t<T> sum_of_squares_##T(const T* input, int64_t size) {                        \
    return sum_row(input, size, [](auto x) HWY_ATTR { return hn::Mul(x, x); });             \
  }                                                                                         \
  accumulate_t<T> dot_##T(const T* a, const T* b, int64_t size) {                           \
    return sum_rows(                                                                        \
        size, [](auto x, auto y) HWY_ATTR { return hn::Mul(x, y); }, a, b);                 \
  }                                                                                         \
  accumulate_t<T> max_##T(const T* input, int64_t size) { return max_row(input, size, 1); } \
  accumulate_t<T> min_##T(const T* input, int64_t size) { return -max_row(input, size, -1); }
IMAGO_EACH_TYPE(IMAGO_REDUCE)
#undef IMAGO_REDUCE

}  // namespace
}  // namespace imago::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::kernels {
namespace {

// The first element equal to the extreme that a first, vectorised pass has found; NaN equals nothing, so it is asked
// for.
template <class T>
int64_t find(const T* input, int64_t size, accumulate_t<T> value) {
  const bool nan = std::isnan(value);
  for (int64_t i = 0; i < size; ++i) {
    const accumulate_t<T> element = input[i];
    if (nan ? std::isnan(element) : element == value) return i;
  }
  return 0;
}

}  // namespace

#define IMAGO_REDUCE(T)                                           \
  namespace {                                                     \
  HWY_EXPORT(sum_##T);                                            \
  HWY_EXPORT(sum_of_squares_##T);                                 \
  HWY_EXPORT(dot_##T);                                            \
  HWY_EXPORT(max_##T);                                            \
  HWY_EXPORT(min_##T);                                            \
  }                                                               \
  template <>                                                     \
  accumulate_t<T> sum(const T* input, int64_t size) {             \
    return HWY_DYNAMIC_DISPATCH(sum_##T)(input, size);            \
  }                                                               \
  template <>                                                     \
  accumulate_t<T> sum_of_squares(const T* input, int64_t size) {  \
    return HWY_DYNAMIC_DISPATCH(sum_of_squares_##T)(input, size); \
  }                                                               \
  template <>                                                     \
  accumulate_t<T> dot(const T* a, const T* b, int64_t size) {     \
    return HWY_DYNAMIC_DISPATCH(dot_##T)(a, b, size);             \
  }                                                               \
  template <>                                                     \
  accumulate_t<T> max(const T* input, int64_t size) {             \
    return HWY_DYNAMIC_DISPATCH(max_##T)(input, size);            \
  }                                                               \
  template <>                                                     \
  accumulate_t<T> min(const T* input, int64_t size) {             \
    return HWY_DYNAMIC_DISPATCH(min_##T)(input, size);            \
  }                                                               \
  template <>                                                     \
  int64_t argmax(const T* input, int64_t size) {                  \
    return find(input, size, max(input, size));                   \
  }                                                               \
  template <>                                                     \
  int64_t argmin(const T* input, int64_t size) {                  \
    return find(input, size, min(input, size));                   \
  }
IMAGO_EACH_TYPE(IMAGO_REDUCE)
#undef IMAGO_REDUCE

}  // namespace imago::kernels
#endif
