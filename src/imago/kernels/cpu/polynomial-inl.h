// What the elementary functions are made of. Compiled once per target.
#if defined(IMAGO_KERNELS_CPU_POLYNOMIAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_POLYNOMIAL_INL_H
#undef IMAGO_KERNELS_CPU_POLYNOMIAL_INL_H
#else
#define IMAGO_KERNELS_CPU_POLYNOMIAL_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// coefficients[0] + coefficients[1] x + ...
template <class D, size_t kCount>
HWY_INLINE hn::Vec<D> polynomial(D d, hn::Vec<D> x, const hn::TFromD<D> (&coefficients)[kCount]) {
  hn::Vec<D> result = hn::Set(d, coefficients[kCount - 1]);
  for (size_t i = kCount - 1; i-- > 0;) result = hn::MulAdd(result, x, hn::Set(d, coefficients[i]));
  return result;
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
