#include "imago/quant/iq4_xs/iq4_xs.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/iq4_xs/iq4_xs.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackIQ4_XS {
  using Format = IQ4_XS;
  using Value = int8_t;
  static constexpr int kZero = 0;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float*) {
    const float common = widen_scale(block.scale);
    int8_t scales[8];
    for (int g = 0; g < 8; ++g) {
      const int low = block.low_scales[g / 2] >> (g % 2 * 4) & 15, high = block.high_scales >> (2 * g) & 3;
      scales[g] = static_cast<int8_t>((low | high << 4) - 32);
    }
    scale_integers(scales, 8, common, scale);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return look_up(kUnevenValues, take_nibbles<kAt % 32>(block.nibbles + kAt / 32 * 16));
  }

#if HWY_TARGET == HWY_AVX3
  static HWY_INLINE void wide_factors(const Format::Block* block, __m512& scales, __m512&) {
    const __m128i integers = pair_of(scale_bytes(block[0]), scale_bytes(block[1]));
    scales = scale_signed(_mm_sub_epi8(integers, _mm_set1_epi8(32)), wide_halves(block[0].scale, block[1].scale));
  }

  // 32 more than the scales.
  static HWY_INLINE uint64_t scale_bytes(const Format::Block& block) {
    uint32_t low;
    std::memcpy(&low, block.low_scales, sizeof(low));
    return _pdep_u64(low, 0x0f0f0f0f0f0f0f0f) | _pdep_u64(block.high_scales, 0x3030303030303030);
  }

  template <int kAt>
  static HWY_INLINE void halves(const Format::Block* block, __m512i& low, __m512i& high) {
    split_nibbles<16>(block->nibbles + kAt / 2, low, high);
    low = wide_look_up(kUnevenValues, low);
    high = wide_look_up(kUnevenValues, high);
  }
#endif
};

GroupKernels iq4_xs_kernels() { return kernels_of<UnpackIQ4_XS>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(iq4_xs_kernels);

}  // namespace quant

void register_iq4_xs(quant::FormatTable& table) {
  table.add(quant::group_format<quant::IQ4_XS>([] { return HWY_DYNAMIC_DISPATCH(quant::iq4_xs_kernels)(); }));
}

}  // namespace imago
#endif
