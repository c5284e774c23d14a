#include "imago/quant/mxfp4/mxfp4.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/mxfp4/mxfp4.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackMXFP4 {
  using Format = MXFP4;
  using Value = int8_t;
  static constexpr int kZero = 0;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float*) {
    *scale = MXFP4::half_power(block.exponent);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return look_up(MXFP4::kDoubled, take_nibbles<kAt>(block.nibbles));
  }

#if HWY_TARGET == HWY_AVX3
  template <int kAt>
  static HWY_INLINE __m512i wide_values(const Format::Block* block) {
    return wide_look_up(MXFP4::kDoubled, wide_nibbles(block[0].nibbles, block[1].nibbles));
  }
#endif
};

GroupKernels mxfp4_kernels() { return kernels_of<UnpackMXFP4>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(mxfp4_kernels);

}  // namespace quant

void register_mxfp4(quant::FormatTable& table) {
  table.add(quant::group_format<quant::MXFP4>([] { return HWY_DYNAMIC_DISPATCH(quant::mxfp4_kernels)(); }));
}

}  // namespace imago
#endif
