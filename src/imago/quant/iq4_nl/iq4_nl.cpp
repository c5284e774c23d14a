#include "imago/quant/iq4_nl/iq4_nl.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/iq4_nl/iq4_nl.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackIQ4_NL {
  using Format = IQ4_NL;
  using Value = int8_t;
  static constexpr int kZero = 0;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float*) {
    *scale = widen_scale(block.scale);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return look_up(kUnevenValues, take_nibbles<kAt>(block.nibbles));
  }

#if HWY_TARGET == HWY_AVX3
  template <int>
  static HWY_INLINE void halves(const Format::Block* block, __m512i& low, __m512i& high) {
    split_nibbles<sizeof(Format::Block)>(block->nibbles, low, high);
    low = wide_look_up(kUnevenValues, low);
    high = wide_look_up(kUnevenValues, high);
  }
#endif
};

GroupKernels iq4_nl_kernels() { return kernels_of<UnpackIQ4_NL>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(iq4_nl_kernels);

}  // namespace quant

void register_iq4_nl(quant::FormatTable& table) {
  table.add(quant::group_format<quant::IQ4_NL>([] { return HWY_DYNAMIC_DISPATCH(quant::iq4_nl_kernels)(); }));
}

}  // namespace imago
#endif
