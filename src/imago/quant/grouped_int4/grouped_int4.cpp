#include "imago/quant/grouped_int4/grouped_int4.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/grouped_int4/grouped_int4.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackGroupedInt4 {
  using Format = GroupedInt4;
  using Value = uint8_t;
  static constexpr int kZero = 0;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float* offset) {
    *scale = widen_scale(block.scale());
    *offset = -(*scale * static_cast<float>(block.zero));
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return take_nibbles<kAt>(block.nibbles);
  }

#if HWY_TARGET == HWY_AVX3
  static HWY_INLINE void wide_factors(const Format::Block* block, __m512& scales, __m512& offsets) {
    scales = gather_halves<sizeof(Format::Block)>(block->scale_bytes);
    const __m512 zeros = _mm512_cvtepi32_ps(gather_bytes<sizeof(Format::Block)>(&block->zero));
    offsets = _mm512_xor_ps(_mm512_mul_ps(scales, zeros), _mm512_set1_ps(-0.0F));
  }

  template <int>
  static HWY_INLINE void halves(const Format::Block* block, __m512i& low, __m512i& high) {
    split_nibbles<sizeof(Format::Block)>(block->nibbles, low, high);
  }
#endif
};

GroupKernels grouped_int4_kernels() { return kernels_of<UnpackGroupedInt4>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(grouped_int4_kernels);

}  // namespace quant

void register_grouped_int4(quant::FormatTable& table) {
  table.add(
      quant::group_format<quant::GroupedInt4>([] { return HWY_DYNAMIC_DISPATCH(quant::grouped_int4_kernels)(); }));
}

}  // namespace imago
#endif
