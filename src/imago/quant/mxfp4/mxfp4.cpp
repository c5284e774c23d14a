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
  static HWY_INLINE void wide_factors(const Format::Block* block, __m512& scales, __m512&) {
    const __m512i exponents = gather_bytes<sizeof(Format::Block)>(block);
    const __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(exponents, _mm512_set1_epi32(1)), 23);
    const __m512i subnormal = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), exponents);
    const __mmask16 tiny = _mm512_cmplt_epi32_mask(exponents, _mm512_set1_epi32(2));
    scales = _mm512_castsi512_ps(_mm512_mask_blend_epi32(tiny, normal, subnormal));
  }

  template <int>
  static HWY_INLINE void halves(const Format::Block* block, __m512i& low, __m512i& high) {
    split_nibbles<sizeof(Format::Block)>(block->nibbles, low, high);
    low = wide_look_up(MXFP4::kDoubled, low);
    high = wide_look_up(MXFP4::kDoubled, high);
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
