// Elementary functions on vectors of float, for the places where time counts. Compiled once per target.
//
// For all arguments, with gradual underflow; elementwise.h states how exact. Coefficients are fitted to the relative
// error at Chebyshev nodes, weighted until that error is level.
#if defined(IMAGO_KERNELS_CPU_MATH_FLOAT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_MATH_FLOAT_INL_H
#undef IMAGO_KERNELS_CPU_MATH_FLOAT_INL_H
#else
#define IMAGO_KERNELS_CPU_MATH_FLOAT_INL_H
#endif

#include <cstdint>
#include <limits>

#include "imago/kernels/cpu/polynomial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Exponents from here to kMaxExponent are taken as they are; beyond, float holds only zero and infinity, even times
// what is multiplied with them below.
constexpr float kMinExponent = -170;
constexpr float kMaxExponent = 89;

// factor e^x for x in [kMinExponent, kMaxExponent]. The factor comes in before the scaling, so that a small e^x does
// not lose the digits that a product in the normal range shows.
template <class D>
HWY_INLINE hn::Vec<D> exp_times(D d, hn::Vec<D> x, hn::Vec<D> factor) {
  static constexpr float kFit[] = {1.0f, 1.0f, 0.5f, 0.16666578f, 0.041666854f, 0.0083631445f, 0.0013901276f};
  const hn::RebindToSigned<D> di;
  // The sum has n, the nearest integer, in its low bits.
  const auto magic = hn::Set(d, 0x1.8p23f);
  const auto shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), magic);
  const auto n = hn::Sub(shifted, magic);
  // ln 2 in two parts, the first short enough for n times it to be exact.
  auto rest = hn::NegMulAdd(n, hn::Set(d, 0x1.62ep-1f), x);
  rest = hn::NegMulAdd(n, hn::Set(d, 0x1.0bfbe8p-15f), rest);
  // Two factors, for 2^n itself may be subnormal.
  const auto exponent = hn::Sub(hn::BitCast(di, shifted), hn::BitCast(di, magic));
  const auto half = hn::ShiftRight<1>(exponent);
  const auto bias = hn::Set(di, 127);
  const auto first = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(half, bias)));
  const auto second = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::Sub(exponent, half), bias)));
  return hn::Mul(hn::Mul(hn::Mul(polynomial(d, rest, kFit), factor), first), second);
}

template <class D>
HWY_INLINE hn::Vec<D> exp_float(D d, hn::Vec<D> x) {
  const auto clamped = hn::Min(hn::Max(x, hn::Set(d, kMinExponent)), hn::Set(d, kMaxExponent));
  return hn::IfThenElse(hn::IsNaN(x), x, exp_times(d, clamped, hn::Set(d, 1.0f)));
}

// 1 / (1 + e^-x), from e^-|x|, which cannot overflow.
template <class D>
HWY_INLINE hn::Vec<D> sigmoid_float(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1.0f);
  const auto e = exp_times(d, hn::Max(hn::Neg(hn::Abs(x)), hn::Set(d, kMinExponent)), one);
  const auto result = hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

// x / (1 + e^-w) for w of the sign of x. For x = -infinity NaN, as the quotient gives it in torch.
template <class D>
HWY_INLINE hn::Vec<D> times_sigmoid(D d, hn::Vec<D> x, hn::Vec<D> w) {
  const auto lowest = hn::Set(d, kMinExponent), one = hn::Set(d, 1.0f);
  const auto exponent = hn::Max(hn::Neg(hn::Abs(w)), lowest);
  const auto e = exp_times(d, exponent, one);
  // Where x is below the lowest exponent the result is zero, and its factor must stay finite.
  const auto left = exp_times(d, exponent, hn::Max(x, lowest));
  const auto result = hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), left, x), hn::Add(one, e));
  const auto nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  return hn::IfThenElse(hn::Gt(x, hn::Set(d, -std::numeric_limits<float>::infinity())), result, nan);
}

template <class D>
HWY_INLINE hn::Vec<D> silu_float(D d, hn::Vec<D> x) {
  return times_sigmoid(d, x, x);
}

// x (1 + tanh(u)) / 2 = x / (1 + e^(-2 u)) with u = sqrt(2 / pi) (x + 0.044715 x^3)
template <class D>
HWY_INLINE hn::Vec<D> gelu_tanh_float(D d, hn::Vec<D> x) {
  constexpr double kScale = 2 * 0.7978845608028654;
  const auto linear = hn::Set(d, static_cast<float>(kScale));
  const auto cubic = hn::Set(d, static_cast<float>(kScale * 0.044715));
  return times_sigmoid(d, x, hn::Mul(x, hn::MulAdd(hn::Mul(x, x), cubic, linear)));
}

// Near zero x + x^3 P(x^2), else 1 - 2 / (e^2x + 1).
template <class D>
HWY_INLINE hn::Vec<D> tanh_float(D d, hn::Vec<D> x) {
  static constexpr float kFit[] = {-0.33333334f, 0.13333304f, -0.05395926f, 0.021768946f, -0.008344024f, 0.0022928258f};
  const auto magnitude = hn::Abs(x), one = hn::Set(d, 1.0f), two = hn::Set(d, 2.0f);
  const auto square = hn::Mul(x, x);
  const auto center = hn::MulAdd(hn::Mul(magnitude, square), polynomial(d, square, kFit), magnitude);
  const auto e = exp_times(d, hn::Min(hn::Add(magnitude, magnitude), hn::Set(d, kMaxExponent)), one);
  const auto tail = hn::Sub(one, hn::Div(two, hn::Add(e, one)));
  const auto result = hn::CopySign(hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625f)), center, tail), x);
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

// factor erfc(t / sqrt 2) / 2, where square is t^2, for t in [0, kMaxNormalTail].
constexpr float kMaxNormalTail = 16;
template <class D>
HWY_INLINE hn::Vec<D> normal_tail(D d, hn::Vec<D> t, hn::Vec<D> square, hn::Vec<D> factor) {
  static constexpr float kFit[] = {0.74441606f,   -0.5655617f,    0.3154252f,      -0.1160534f,    0.017404653f,
                                   0.0064946790f, -0.0031679398f, -0.00049474096f, 0.00041171606f, 0.00010486691f};
  // e^(-t^2 / 2) times a polynomial in u = (t - 3.5) / (t + 3.5), over t + 3.5.
  const auto inverse = hn::Div(hn::Set(d, 1.0f), hn::Add(t, hn::Set(d, 3.5f)));
  const auto u = hn::NegMulAdd(hn::Set(d, 7.0f), inverse, hn::Set(d, 1.0f));
  const auto scaled = hn::Mul(hn::Mul(factor, inverse), polynomial(d, u, kFit));
  return exp_times(d, hn::Mul(square, hn::Set(d, -0.5f)), scaled);
}

// x erfc(-x / sqrt 2) / 2
template <class D>
HWY_INLINE hn::Vec<D> gelu_float(D d, hn::Vec<D> x) {
  const auto t = hn::Min(hn::Abs(x), hn::Set(d, kMaxNormalTail));
  const auto result = hn::Sub(hn::Max(x, hn::Zero(d)), normal_tail(d, t, hn::Mul(t, t), t));
  const auto nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  return hn::IfThenElse(hn::Gt(x, hn::Set(d, -std::numeric_limits<float>::infinity())), result, nan);
}

template <class D>
HWY_INLINE hn::Vec<D> erf_float(D d, hn::Vec<D> x) {
  static constexpr float kFit[] = {1.1283792f,   -0.37612635f,   0.11283715f,   -0.026860509f,
                                   0.005203859f, -0.0008175638f, 0.00008513098f};
  const auto magnitude = hn::Min(hn::Abs(x), hn::Set(d, 10.0f));  // from 4 on it is 1
  const auto square = hn::Mul(magnitude, magnitude);
  const auto center = hn::Mul(magnitude, polynomial(d, square, kFit));
  const auto twice =
      normal_tail(d, hn::Mul(magnitude, hn::Set(d, 1.41421356f)), hn::Add(square, square), hn::Set(d, 2.0f));
  const auto tail = hn::Sub(hn::Set(d, 1.0f), twice);
  const auto result = hn::CopySign(hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.9f)), center, tail), x);
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
