// Logarithms on vectors of float, for all arguments; elementwise.h states how exact. Compiled once per target.
#if defined(IMAGO_KERNELS_CPU_LOG_FLOAT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_LOG_FLOAT_INL_H
#undef IMAGO_KERNELS_CPU_LOG_FLOAT_INL_H
#else
#define IMAGO_KERNELS_CPU_LOG_FLOAT_INL_H
#endif

#include <cstdint>
#include <limits>

#include "imago/kernels/cpu/math_float-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// n ln 2 + log(1 + f) for 1 + f between the roots of 1/2 and 2: f - f^2 / 2 + f^3 P(f), and the parts of n ln 2 added
// to what is of their size.
template <class D>
HWY_INLINE hn::Vec<D> log_from_parts(D d, hn::Vec<D> n, hn::Vec<D> f) {
  static constexpr float kFit[] = {0.3333333f,   -0.24999994f, 0.20000714f, -0.16668057f, 0.14249322f,
                                   -0.12420159f, 0.11677028f,  -0.115145f,  0.07037467f};
  const auto square = hn::Mul(f, f);
  auto small = hn::Mul(hn::Mul(f, square), polynomial(d, f, kFit));
  small = hn::MulAdd(n, hn::Set(d, 0x1.0bfbe8p-15f), small);
  small = hn::NegMulAdd(hn::Set(d, 0.5f), square, small);
  return hn::MulAdd(n, hn::Set(d, 0x1.62ep-1f), hn::Add(f, small));
}

// For normal x: x = 2^n (1 + f), n as an integer and as a number.
template <class D, class DI = hn::RebindToSigned<D>>
HWY_INLINE void split_exponent(D d, hn::Vec<D> x, hn::Vec<DI>& exponent, hn::Vec<D>& n, hn::Vec<D>& f) {
  const DI di;
  // Counted from sqrt(1/2), so that the mantissa lies around one.
  exponent = hn::ShiftRight<23>(hn::Sub(hn::BitCast(di, x), hn::Set(di, 0x3f3504f3)));
  n = hn::ConvertTo(d, exponent);
  f = hn::Sub(hn::BitCast(d, hn::Sub(hn::BitCast(di, x), hn::ShiftLeft<23>(exponent))), hn::Set(d, 1.0f));
}

// The logarithm of zero, of negative numbers, infinity and NaN, else `result`.
template <class D>
HWY_INLINE hn::Vec<D> log_edges(D d, hn::Vec<D> x, hn::Vec<D> result) {
  const auto infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const auto nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  const auto not_positive = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), nan);
  result = hn::IfThenElse(hn::Gt(x, hn::Zero(d)), result, not_positive);
  return hn::IfThenElse(hn::Eq(x, infinity), infinity, result);
}

template <class D>
HWY_INLINE hn::Vec<D> log_float(D d, hn::Vec<D> x) {
  const hn::RebindToSigned<D> di;
  const auto subnormal = hn::Lt(x, hn::Set(d, 0x1p-126f));
  hn::Vec<decltype(di)> exponent;
  hn::Vec<D> n, f;
  split_exponent(d, hn::IfThenElse(subnormal, hn::Mul(x, hn::Set(d, 0x1p23f)), x), exponent, n, f);
  n = hn::IfThenElse(subnormal, hn::Sub(n, hn::Set(d, 23.0f)), n);
  return log_edges(d, x, log_from_parts(d, n, f));
}

template <class D>
HWY_INLINE hn::Vec<D> log1p_float(D d, hn::Vec<D> x) {
  const hn::RebindToSigned<D> di;
  const auto one = hn::Set(d, 1.0f);
  const auto sum = hn::Add(x, one);
  // What rounding took from the sum.
  const auto lost = hn::IfThenElse(hn::Lt(x, one), hn::Sub(x, hn::Sub(sum, one)), hn::Sub(one, hn::Sub(sum, x)));
  hn::Vec<decltype(di)> exponent;
  hn::Vec<D> n, f;
  split_exponent(d, sum, exponent, n, f);
  // 2^-n; where it leaves the normal range, what was lost does not count.
  const auto scale = hn::BitCast(d, hn::ShiftLeft<23>(hn::Max(hn::Sub(hn::Set(di, 127), exponent), hn::Zero(di))));
  return log_edges(d, sum, log_from_parts(d, n, hn::MulAdd(lost, scale, f)));
}

// log(1 + e^x)
template <class D>
HWY_INLINE hn::Vec<D> softplus_float(D d, hn::Vec<D> x) {
  const auto exponent = hn::Max(hn::Neg(hn::Abs(x)), hn::Set(d, kMinExponent));
  const auto result = hn::Add(hn::Max(x, hn::Zero(d)), log1p_float(d, exp_times(d, exponent, hn::Set(d, 1.0f))));
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
