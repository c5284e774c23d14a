// Maps and reductions of one row, on which the kernels over rows are built. Compiled once per target.
#if defined(IMAGO_KERNELS_CPU_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_ROW_INL_H
#undef IMAGO_KERNELS_CPU_ROW_INL_H
#else
#define IMAGO_KERNELS_CPU_ROW_INL_H
#endif

#include <algorithm>
#include <cstdint>
#include <limits>

#include "imago/kernels/cpu/load_store-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {

// output[i] = f(inputs[i]...) on vectors of what T is computed in; inputs may be of that type. Null inputs are not
// allowed.
template <class T, class Function, class... Inputs>
HWY_INLINE void map_rows(T* output, int64_t size, Function f, const Inputs*... inputs) {
  const Simd<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) store(f(load(d, inputs + i)...), d, output + i);
  if (i < size) {
    const size_t rest = static_cast<size_t>(size - i);
    store_some(f(load_some(d, inputs + i, rest)...), d, output + i, rest);
  }
}

template <class Input, class T, class Function>
HWY_INLINE void map_row(const Input* input, T* output, int64_t size, Function f) {
  map_rows(output, size, f, input);
}

// The sum of f(inputs[i]...). Blocks of 32 additions to each of four vectors are summed pairwise, so that the error
// grows with the logarithm of the size and not with the size.
template <class T, class Function, class... Inputs>
accumulate_t<T> sum_rows(int64_t size, Function f, const T* input, const Inputs*... inputs) {
  const Simd<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t block = 128 * lanes;
  if (size > block) {
    const int64_t half = (size / 2 + block - 1) / block * block;
    return sum_rows(half, f, input, inputs...) + sum_rows(size - half, f, input + half, (inputs + half)...);
  }
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  const auto term = [&](int64_t i) HWY_ATTR { return f(load(d, input + i), load(d, inputs + i)...); };
  int64_t i = 0;
  for (; i + 4 * lanes <= size; i += 4 * lanes) {
    sum0 = hn::Add(sum0, term(i));
    sum1 = hn::Add(sum1, term(i + lanes));
    sum2 = hn::Add(sum2, term(i + 2 * lanes));
    sum3 = hn::Add(sum3, term(i + 3 * lanes));
  }
  for (; i + lanes <= size; i += lanes) sum0 = hn::Add(sum0, term(i));
  const auto total = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  accumulate_t<T> rest = 0;
  if (i < size) {
    // f of padding need not be zero, so the lanes behind the end are left out by hand.
    const size_t count = static_cast<size_t>(size - i);
    HWY_ALIGN accumulate_t<T> values[hn::MaxLanes(d)];
    hn::Store(f(load_some(d, input + i, count), load_some(d, inputs + i, count)...), d, values);
    for (size_t lane = 0; lane < count; ++lane) rest += values[lane];
  }
  return hn::GetLane(hn::SumOfLanes(d, total)) + rest;
}

template <class T, class Function>
HWY_INLINE accumulate_t<T> sum_row(const T* input, int64_t size, Function f) {
  return sum_rows(size, f, input);
}

// The largest element (the smallest if sign is -1, negated), or NaN if there is one. size must be positive.
template <class T>
accumulate_t<T> max_row(const T* input, int64_t size, accumulate_t<T> sign = 1) {
  using Sum = accumulate_t<T>;
  const Simd<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, sign);
  const Sum lowest = -std::numeric_limits<Sum>::infinity();
  auto largest0 = hn::Set(d, lowest), largest1 = largest0;
  auto marker = hn::Zero(d);  // becomes NaN with the first NaN: x - x would also mark infinities, x * 0 too
  const auto take = [&](auto& largest, auto x) HWY_ATTR {
    largest = hn::IfThenElse(hn::Gt(x, largest), x, largest);
    marker = hn::IfThenElse(hn::IsNaN(x), x, marker);
  };
  int64_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    take(largest0, hn::Mul(load(d, input + i), factor));
    take(largest1, hn::Mul(load(d, input + i + lanes), factor));
  }
  for (; i < size; i += lanes) {
    const size_t count = static_cast<size_t>(std::min(lanes, size - i));
    take(largest0, hn::Mul(load_some(d, input + i, count, lowest * sign), factor));
  }
  if (!hn::AllFalse(d, hn::IsNaN(marker))) return std::numeric_limits<Sum>::quiet_NaN();
  // One by one: Highway's MaxOfLanes starts from the lowest finite number on its plain target.
  HWY_ALIGN Sum values[hn::MaxLanes(d)];
  hn::Store(hn::Max(largest0, largest1), d, values);
  return *std::max_element(values, values + lanes);
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
