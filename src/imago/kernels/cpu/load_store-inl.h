// Vectors of float (or double) from and to arrays of any of the floating point types. Compiled once per target.
#if defined(IMAGO_KERNELS_CPU_LOAD_STORE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_LOAD_STORE_INL_H
#undef IMAGO_KERNELS_CPU_LOAD_STORE_INL_H
#else
#define IMAGO_KERNELS_CPU_LOAD_STORE_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

#include "imago/kernels/cpu/half.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Simd = hn::ScalableTag<accumulate_t<T>>;

template <class D>
HWY_INLINE hn::Vec<D> load(D d, const hn::TFromD<D>* from) {
  return hn::LoadU(d, from);
}

template <class D>
HWY_INLINE hn::Vec<D> load(D d, const bfloat16* from) {
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint16_t, D> d16;
  const auto bits = hn::PromoteTo(du, hn::LoadU(d16, reinterpret_cast<const uint16_t*>(from)));
  return hn::BitCast(d, hn::ShiftLeft<16>(bits));
}

template <class D>
HWY_INLINE hn::Vec<D> load(D d, const float16* from) {
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  HWY_ALIGN float lanes[hn::MaxLanes(d)];
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = from[i];
  return hn::Load(d, lanes);
#else
  const hn::Rebind<hwy::float16_t, D> d16;
  return hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(from)));
#endif
}

// Two vectors' worth of elements, one vector at a time, in the order that is cheapest to come by: of bfloat16 the even
// elements are a shift away and the odd ones two, where PromoteTo would cost a load and two shuffles for each.
// arrange_halves puts floats into the same order.
template <int kHalf, class D, class T>
HWY_INLINE hn::Vec<D> load_half(D d, const T* from) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    const hn::RebindToUnsigned<D> du;
    const auto pairs = hn::LoadU(du, reinterpret_cast<const uint32_t*>(from));
    // Two shifts and not a mask, which would take the register that the innermost loop of a product is short of.
    return hn::BitCast(d, hn::ShiftLeft<16>(kHalf == 0 ? pairs : hn::ShiftRight<16>(pairs)));
  } else {
    return load(d, from + kHalf * static_cast<int64_t>(hn::MaxLanes(d)));
  }
}

// For `size` floats, a multiple of two vectors, that meet elements of type T.
template <class T>
HWY_INLINE void arrange_halves([[maybe_unused]] float* values, [[maybe_unused]] int64_t size) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Simd<float>()));
    for (int64_t begin = 0; begin < size; begin += 2 * kLanes) {
      float pairs[2 * kLanes];
      for (int64_t i = 0; i < 2 * kLanes; ++i) pairs[i] = values[begin + i];
      for (int64_t i = 0; i < kLanes; ++i) {
        values[begin + i] = pairs[2 * i];
        values[begin + kLanes + i] = pairs[2 * i + 1];
      }
    }
  }
}

template <class D>
HWY_INLINE void store(hn::Vec<D> value, D d, hn::TFromD<D>* to) {
  hn::StoreU(value, d, to);
}

template <class D>
HWY_INLINE void store(hn::Vec<D> value, [[maybe_unused]] D d, bfloat16* to) {
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint16_t, D> d16;
  const auto bits = hn::BitCast(du, value);
  // To nearest, ties to even; a NaN keeps its sign and upper payload, made quiet so that rounding cannot end in
  // infinity.
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu)));
  const auto quiet = hn::Or(bits, hn::Set(du, 0x400000u));
  const auto is_nan = hn::RebindMask(du, hn::IsNaN(value));
  const auto upper = hn::ShiftRight<16>(hn::IfThenElse(is_nan, quiet, rounded));
  hn::StoreU(hn::TruncateTo(d16, upper), d16, reinterpret_cast<uint16_t*>(to));
}

template <class D>
HWY_INLINE void store(hn::Vec<D> value, [[maybe_unused]] D d, float16* to) {
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  HWY_ALIGN float lanes[hn::MaxLanes(d)];
  hn::Store(value, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) to[i] = float16(lanes[i]);
#else
  const hn::Rebind<hwy::float16_t, D> d16;
  hn::StoreU(hn::DemoteTo(d16, value), d16, reinterpret_cast<hwy::float16_t*>(to));
#endif
}

// The first `count` lanes, fewer than a whole vector; the others are `padding`. Through memory: there is one tail per
// row, and a masked load would have to be written for every type.
template <class D, class T>
HWY_INLINE hn::Vec<D> load_some(D d, const T* from, size_t count, hn::TFromD<D> padding = 0) {
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(d)];
  hn::Store(hn::Set(d, padding), d, lanes);
  for (size_t i = 0; i < count; ++i) lanes[i] = from[i];
  return hn::Load(d, lanes);
}

template <class D, class T>
HWY_INLINE void store_some(hn::Vec<D> value, D d, T* to, size_t count) {
  HWY_ALIGN T lanes[hn::MaxLanes(d)];
  store(value, d, lanes);
  for (size_t i = 0; i < count; ++i) to[i] = lanes[i];
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
