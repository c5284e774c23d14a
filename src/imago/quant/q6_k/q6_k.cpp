#include "imago/quant/q6_k/q6_k.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q6_k/q6_k.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackQ6_K {
  using Format = Q6_K;
  using Value = uint8_t;
  static constexpr int kZero = 32;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float*) {
    const float common_scale = widen_scale(block.scale);
    scale_integers(block.scales, 16, common_scale, scale);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    constexpr int kHalf = kAt / 128, kRunOfHalf = kAt / 32 % 4, kByte = kAt % 32;
    const auto low = take_bits<4, kRunOfHalf / 2 * 4>(block.nibbles + kHalf * 64 + kRunOfHalf % 2 * 32 + kByte);
    return join(low, take_bits<2, kRunOfHalf * 2, 4>(block.high_bits + kHalf * 32 + kByte));
  }

#if HWY_TARGET == HWY_AVX3
  static HWY_INLINE void wide_factors(const Format::Block* block, __m512& scales, __m512&) {
    const __m128i integers = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block->scales));
    scales = scale_signed(integers, wide_half(block->scale));
  }

  template <int kAt>
  static HWY_INLINE __m512i wide_values(const Format::Block* block) {
    constexpr int kHalf = kAt / 128, kRunOfHalf = kAt / 32 % 4;
    const __m512i bytes = _mm512_loadu_si512(block->nibbles + kHalf * 64);
    const __m512i moved = kRunOfHalf == 0 ? bytes : _mm512_srli_epi16(bytes, 4);
    const __m512i high = wide_bits<2, kRunOfHalf * 2, 2, 4>(block->high_bits + kHalf * 32);
    return _mm512_or_si512(_mm512_and_si512(moved, _mm512_set1_epi8(15)), high);
  }
#endif
};

GroupKernels q6_k_kernels() { return kernels_of<UnpackQ6_K>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(q6_k_kernels);

}  // namespace quant

void register_q6_k(quant::FormatTable& table) {
  table.add(quant::group_format<quant::Q6_K>([] { return HWY_DYNAMIC_DISPATCH(quant::q6_k_kernels)(); }));
}

}  // namespace imago
#endif
