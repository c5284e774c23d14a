#include "imago/quant/q5_0/q5_0.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q5_0/q5_0.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackQ5_0 {
  using Format = Q5_0;
  using Value = uint8_t;
  static constexpr int kZero = 16;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float*) {
    *scale = widen_scale(block.scale);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return join(take_nibbles<kAt>(block.nibbles), take_fifth_bits<kAt>(block.fifth_bits));
  }

#if HWY_TARGET == HWY_AVX3
  template <int>
  static HWY_INLINE void halves(const Format::Block* block, __m512i& low, __m512i& high) {
    split_nibbles<sizeof(Format::Block)>(block->nibbles, low, high);
    add_fifth_bits<sizeof(Format::Block)>(block->fifth_bits, low, high);
  }
#endif
};

GroupKernels q5_0_kernels() { return kernels_of<UnpackQ5_0>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(q5_0_kernels);

}  // namespace quant

void register_q5_0(quant::FormatTable& table) {
  table.add(quant::group_format<quant::Q5_0>([] { return HWY_DYNAMIC_DISPATCH(quant::q5_0_kernels)(); }));
}

}  // namespace imago
#endif
