#include "imago/quant/q4_k/q4_k.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q4_k/q4_k.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackQ4_K {
  using Format = Q4_K;
  using Value = uint8_t;
  static constexpr int kZero = 0;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float* offset) {
    uint8_t scales[8], minimums[8];
    unpack_super_block_scales(block.scales, scales, minimums);
    const float common_scale = widen_scale(block.scale), common_minimum = widen_scale(block.minimum);
    scale_integers(scales, 8, common_scale, scale);
    scale_integers(minimums, 8, -common_minimum, offset);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return take_bits<4, kAt / 32 % 2 * 4>(block.nibbles + kAt / 64 * 32 + kAt % 32);
  }

#if HWY_TARGET == HWY_AVX3
  static HWY_INLINE void wide_factors(const Format::Block* block, __m512& scales, __m512& offsets) {
    wide_super_block_factors(block, scales, offsets);
  }

  template <int kAt>
  static HWY_INLINE __m512i wide_values(const Format::Block* block) {
    return wide_bits<4, 0, 4>(block->nibbles + kAt / 2);
  }
#endif
};

GroupKernels q4_k_kernels() { return kernels_of<UnpackQ4_K>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(q4_k_kernels);

}  // namespace quant

void register_q4_k(quant::FormatTable& table) {
  table.add(quant::group_format<quant::Q4_K>([] { return HWY_DYNAMIC_DISPATCH(quant::q4_k_kernels)(); }));
}

}  // namespace imago
#endif
