#include "imago/quant/q2_k/q2_k.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q2_k/q2_k.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackQ2_K {
  using Format = Q2_K;
  using Value = uint8_t;
  static constexpr int kZero = 0;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float* offset) {
    const float common_scale = widen_scale(block.scale), common_minimum = widen_scale(block.minimum);
    uint8_t scales[16], minimums[16];
    for (int g = 0; g < 16; ++g) scales[g] = block.scales[g] & 15;
    for (int g = 0; g < 16; ++g) minimums[g] = block.scales[g] >> 4;
    scale_integers(scales, 16, common_scale, scale);
    scale_integers(minimums, 16, -common_minimum, offset);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return take_bits<2, kAt / 32 % 4 * 2>(block.values + kAt / 128 * 32 + kAt % 32);
  }

#if HWY_TARGET == HWY_AVX3
  static HWY_INLINE void wide_factors(const Format::Block* block, __m512& scales, __m512& offsets) {
    const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block->scales)), low = _mm_set1_epi8(15);
    scales = scale_unsigned(_mm_and_si128(both, low), wide_half(block->scale));
    const __m512 minimum = _mm512_xor_ps(wide_half(block->minimum), _mm512_set1_ps(-0.0F));
    offsets = scale_unsigned(_mm_and_si128(_mm_srli_epi16(both, 4), low), minimum);
  }

  template <int kAt>
  static HWY_INLINE __m512i wide_values(const Format::Block* block) {
    return wide_bits<2, kAt / 32 % 4 * 2, 2>(block->values + kAt / 128 * 32);
  }
#endif
};

GroupKernels q2_k_kernels() { return kernels_of<UnpackQ2_K>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(q2_k_kernels);

}  // namespace quant

void register_q2_k(quant::FormatTable& table) {
  table.add(quant::group_format<quant::Q2_K>([] { return HWY_DYNAMIC_DISPATCH(quant::q2_k_kernels)(); }));
}

}  // namespace imago
#endif
