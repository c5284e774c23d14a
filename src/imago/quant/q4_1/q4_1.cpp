#include "imago/quant/q4_1/q4_1.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q4_1/q4_1.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackQ4_1 {
  using Format = Q4_1;
  using Value = uint8_t;
  static constexpr int kZero = 0;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float* offset) {
    *scale = widen_scale(block.scale);
    *offset = widen_scale(block.minimum);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return take_nibbles<kAt>(block.nibbles);
  }

#if HWY_TARGET == HWY_AVX3
  template <int>
  static HWY_INLINE void halves(const Format::Block* block, __m512i& low, __m512i& high) {
    split_nibbles<sizeof(Format::Block)>(block->nibbles, low, high);
  }
#endif
};

GroupKernels q4_1_kernels() { return kernels_of<UnpackQ4_1>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(q4_1_kernels);

}  // namespace quant

void register_q4_1(quant::FormatTable& table) {
  table.add(quant::group_format<quant::Q4_1>([] { return HWY_DYNAMIC_DISPATCH(quant::q4_1_kernels)(); }));
}

}  // namespace imago
#endif
