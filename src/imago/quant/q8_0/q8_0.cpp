#include "imago/quant/q8_0/q8_0.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q8_0/q8_0.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

struct UnpackQ8_0 {
  using Format = Q8_0;
  using Value = int8_t;
  static constexpr int kZero = 0;

  static HWY_INLINE void factors(const Format::Block& block, float* scale, float*) {
    *scale = widen_scale(block.scale);
  }

  template <int kAt>
  static HWY_INLINE ByteVector values(const Format::Block& block) {
    return load_bytes(reinterpret_cast<const uint8_t*>(block.values) + kAt);
  }

#if HWY_TARGET == HWY_AVX3
  template <int kAt>
  static HWY_INLINE __m512i wide_values(const Format::Block* block) {
    return wide_bytes(block[0].values, block[1].values);
  }
#endif
};

GroupKernels q8_0_kernels() { return kernels_of<UnpackQ8_0>(); }

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(q8_0_kernels);

}  // namespace quant

void register_q8_0(quant::FormatTable& table) {
  table.add(quant::group_format<quant::Q8_0>([] { return HWY_DYNAMIC_DISPATCH(quant::q8_0_kernels)(); }));
}

}  // namespace imago
#endif
