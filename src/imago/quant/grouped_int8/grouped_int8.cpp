#include "imago/quant/grouped_int8/grouped_int8.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/grouped_int8/grouped_int8.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackGroupedInt8 {
  using Format = GroupedInt8;
  using Value = int8_t;
  static constexpr int kZero = 0;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float* offset) {
    *scale = widen_scale(block.scale());
    *offset = *scale * static_cast<float>(Format::kMiddle - block.zero);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return load_bytes(reinterpret_cast<const uint8_t*>(block.values) + kAt);
  }

#if HWY_TARGET == HWY_AVX3
  static HWY_INLINE void wide_factors(const Format::Block* block, __m512& scales, __m512& offsets) {
    scales = gather_halves<sizeof(Format::Block)>(block->scale_bytes);
    const __m512i zeros = gather_bytes<sizeof(Format::Block)>(&block->zero);
    const __m512i rest = _mm512_sub_epi32(_mm512_set1_epi32(Format::kMiddle), zeros);
    offsets = _mm512_mul_ps(scales, _mm512_cvtepi32_ps(rest));
  }

  template <int kAt>
  static HWY_INLINE __m512i wide_values(const Format::Block* block) {
    return wide_bytes(block[0].values, block[1].values);
  }
#endif
};

GroupKernels grouped_int8_kernels() { return kernels_of<UnpackGroupedInt8>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(grouped_int8_kernels);

}  // namespace quant

void register_grouped_int8(quant::FormatTable& table) {
  table.add(
      quant::group_format<quant::GroupedInt8>([] { return HWY_DYNAMIC_DISPATCH(quant::grouped_int8_kernels)(); }));
}

}  // namespace imago
#endif
