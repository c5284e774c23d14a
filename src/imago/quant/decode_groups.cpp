#include "imago/quant/decode_groups.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/decode_groups.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Groups are multiples of 16.
void decode(const int8_t* q, const float* scale, const float* offset, int64_t group, int64_t count, float* to) {
  const hn::CappedTag<float, 16> d;
  const hn::Rebind<int32_t, decltype(d)> di;
  const hn::Rebind<int8_t, decltype(d)> d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t g = 0; g < count / group; ++g) {
    const auto factor = hn::Set(d, scale[g]), shift = hn::Set(d, offset == nullptr ? 0 : offset[g]);
    for (int64_t i = g * group; i < (g + 1) * group; i += lanes) {
      const auto values = hn::Mul(hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(d8, q + i))), factor);
      hn::StoreU(offset == nullptr ? values : hn::Add(values, shift), d, to + i);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::quant {

HWY_EXPORT(decode);

void decode_groups(const int8_t* q, const float* scale, const float* offset, int64_t group, int64_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(decode)(q, scale, offset, group, count, to);
}

}  // namespace imago::quant
#endif
