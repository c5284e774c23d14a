#include "imago/quant/q4_k/q4_k.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q4_k/q4_k.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

void unpack_q4_k(const std::byte* from, int64_t blocks, int8_t* to, float* scale_to, float* offset_to) {
  const auto unpack = [](const Q4_K::Block& block, int8_t* q, float* scale, float* offset) HWY_ATTR {
    uint8_t scales[8], minimums[8];
    unpack_super_block_scales(block.scales, scales, minimums);
    const float common_scale = widen(block.scale), common_minimum = widen(block.minimum);
    for (int g = 0; g < 8; ++g) {
      scale[g] = common_scale * static_cast<float>(scales[g]);
      offset[g] = -(common_minimum * static_cast<float>(minimums[g]));
    }
    for (int pair = 0; pair < 4; ++pair) {
      unpack_nibbles(block.nibbles + 32 * pair, 32, 0, q + 64 * pair, q + 64 * pair + 32);
    }
  };
  for_each_block<Q4_K>(from, blocks, to, scale_to, offset_to, unpack);
}

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(unpack_q4_k);

}  // namespace quant

void register_q4_k(quant::FormatTable& table) {
  using quant::Q4_K;
  table.add(
      quant::group_format<Q4_K>([](const std::byte* from, int64_t blocks, int8_t* q, float* scale, float* offset) {
        HWY_DYNAMIC_DISPATCH(quant::unpack_q4_k)(from, blocks, q, scale, offset);
      }));
}

}  // namespace imago
#endif
