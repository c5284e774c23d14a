#include "imago/quant/q3_k/q3_k.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q3_k/q3_k.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackQ3_K {
  using Format = Q3_K;
  using Value = uint8_t;
  static constexpr int kZero = 4;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float*) {
    const float common_scale = widen_scale(block.scale);
    int8_t scales[16];
    for (int g = 0; g < 16; ++g) {
      const int low = block.scales[g % 8] >> (g / 8 * 4) & 15, high = block.scales[8 + g % 4] >> (g / 4 * 2) & 3;
      scales[g] = static_cast<int8_t>((low | high << 4) - 32);
    }
    scale_integers(scales, 16, common_scale, scale);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    const auto low = take_bits<2, kAt / 32 % 4 * 2>(block.values + kAt / 128 * 32 + kAt % 32);
    return join(low, take_bits<1, kAt / 32, 2>(block.third_bits + kAt % 32));
  }

#if HWY_TARGET == HWY_AVX3
  static HWY_INLINE void wide_factors(const Format::Block* block, __m512& scales, __m512&) {
    constexpr uint64_t kLow = 0x0f0f0f0f0f0f0f0f, kHigh = 0x3030303030303030;
    const uint64_t low = load_word(block->scales);
    uint32_t bits;
    std::memcpy(&bits, block->scales + 8, sizeof(bits));
    // Two bits of four scales to a word each: of the first four, of the next, and so on.
    const uint64_t first = static_cast<uint64_t>(bits) << 4 | static_cast<uint64_t>(bits) << 34;
    const uint64_t second = static_cast<uint64_t>(bits) | static_cast<uint64_t>(bits >> 2) << 32;
    const __m128i integers = pair_of((low & kLow) | (first & kHigh), (low >> 4 & kLow) | (second & kHigh));
    scales = scale_signed(_mm_sub_epi8(integers, _mm_set1_epi8(32)), wide_half(block->scale));
  }

  template <int kAt>
  static HWY_INLINE __m512i wide_values(const Format::Block* block) {
    return _mm512_or_si512(wide_bits<2, kAt / 32 % 4 * 2, 2>(block->values + kAt / 128 * 32),
                           wide_bits<1, kAt / 32, 1, 2>(block->third_bits));
  }
#endif
};

GroupKernels q3_k_kernels() { return kernels_of<UnpackQ3_K>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(q3_k_kernels);

}  // namespace quant

void register_q3_k(quant::FormatTable& table) {
  table.add(quant::group_format<quant::Q3_K>([] { return HWY_DYNAMIC_DISPATCH(quant::q3_k_kernels)(); }));
}

}  // namespace imago
#endif
