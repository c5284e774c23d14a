// Elementary functions on vectors of double, compiled once per target. They serve results in float: they are good to
// 1e-10, so that rounding to float leaves an error of half a unit in the last place, without the double-word tricks
// that float alone would need. The series are Taylor's, long enough for their interval.
#if defined(IMAGO_KERNELS_CPU_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_MATH_INL_H
#undef IMAGO_KERNELS_CPU_MATH_INL_H
#else
#define IMAGO_KERNELS_CPU_MATH_INL_H
#endif

#include <cstdint>
#include <limits>

#include "imago/kernels/cpu/polynomial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 2^n for integral n within the exponent's range.
template <class D>
HWY_INLINE hn::Vec<D> power_of_two(D d, hn::Vec<D> n) {
  const hn::RebindToSigned<D> di;
  // Adding this puts n into the low bits of the mantissa, which spares a conversion that AVX2 lacks for double.
  const auto bits = hn::BitCast(di, hn::Add(n, hn::Set(d, 0x1.8p52)));
  return hn::BitCast(d, hn::ShiftLeft<52>(hn::Add(bits, hn::Set(di, int64_t{1023}))));
}

constexpr double kLog2High = 0x1.62e42fee00000p-1;  // ln 2 in two parts
constexpr double kLog2Low = 0x1.a39ef35793c76p-33;

// e^r - 1 for |r| <= ln(2) / 2
template <class D>
HWY_INLINE hn::Vec<D> expm1_reduced(D d, hn::Vec<D> r) {
  static constexpr double kSeries[] = {1.0,       1.0 / 2,    1.0 / 6,     1.0 / 24,     1.0 / 120,
                                       1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800};
  return hn::Mul(r, polynomial(d, r, kSeries));
}

// x = n ln 2 + r; x must be within the range of the exponent.
template <class D>
HWY_INLINE hn::Vec<D> reduce_by_log2(D d, hn::Vec<D> x, hn::Vec<D>& n) {
  n = hn::Round(hn::Mul(x, hn::Set(d, 1.4426950408889634)));
  return hn::NegMulAdd(n, hn::Set(d, kLog2Low), hn::NegMulAdd(n, hn::Set(d, kLog2High), x));
}

template <class D>
HWY_INLINE hn::Vec<D> expm1(D d, hn::Vec<D> x) {
  const auto low = hn::Set(d, -700.0), high = hn::Set(d, 700.0);
  hn::Vec<D> n;
  const auto r = reduce_by_log2(d, hn::Min(hn::Max(x, low), high), n);
  const auto scale = power_of_two(d, n);
  auto result = hn::MulAdd(expm1_reduced(d, r), scale, hn::Sub(scale, hn::Set(d, 1.0)));
  result = hn::IfThenElse(hn::Gt(x, high), hn::Set(d, std::numeric_limits<double>::infinity()), result);
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

// Beyond this the reduction below runs out of exact digits.
constexpr double kMaxSinArgument = 1 << 20;

// sin(x + quarter_turns pi / 2) for |x| <= kMaxSinArgument
template <class D>
HWY_INLINE hn::Vec<D> sin_shifted(D d, hn::Vec<D> x, double quarter_turns) {
  static constexpr double kSin[] = {1.0,          -1.0 / 6,        1.0 / 120,         -1.0 / 5040,
                                    1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800.0};
  static constexpr double kCos[] = {1.0,         -1.0 / 2,       1.0 / 24,         -1.0 / 720,
                                    1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600.0};
  const hn::RebindToSigned<D> di;
  const auto n = hn::Round(hn::Mul(x, hn::Set(d, 0.6366197723675814)));
  // The first 33 bits of pi / 2, which n times is exact, then the rest.
  auto r = hn::NegMulAdd(n, hn::Set(d, 0x1.921fb544p+0), x);
  r = hn::NegMulAdd(n, hn::Set(d, 0x1.0b4611a626331p-34), r);
  const auto square = hn::Mul(r, r);
  const auto sine = hn::Mul(r, polynomial(d, square, kSin));
  const auto cosine = polynomial(d, square, kCos);
  const auto quadrant = hn::BitCast(di, hn::Add(n, hn::Set(d, 0x1.8p52 + quarter_turns)));
  const auto odd = hn::Ne(hn::And(quadrant, hn::Set(di, int64_t{1})), hn::Zero(di));
  const auto sign = hn::ShiftLeft<62>(hn::And(quadrant, hn::Set(di, int64_t{2})));
  const auto result = hn::IfThenElse(hn::RebindMask(d, odd), cosine, sine);
  return hn::Xor(result, hn::BitCast(d, sign));
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
