#include "imago/quant/q3_k/q3_k.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q3_k/q3_k.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

void unpack_q3_k(const std::byte* from, int64_t blocks, int8_t* to, float* scale_to, float* offset_to) {
  const auto unpack = [](const Q3_K::Block& block, int8_t* q, float* scale, float*) HWY_ATTR {
    const float common_scale = widen(block.scale);
    for (int g = 0; g < 16; ++g) {
      const int low = block.scales[g % 8] >> (g / 8 * 4) & 15, high = block.scales[8 + g % 4] >> (g / 4 * 2) & 3;
      scale[g] = common_scale * static_cast<float>((low | high << 4) - 32);
    }
    for (int run = 0; run < 8; ++run) {
      unpack_bits<2>(block.values + run / 4 * 32, run % 4 * 2, q + run * 32);
      add_high_bits<1, 2>(block.third_bits, run, 4, q + run * 32);
    }
  };
  for_each_block<Q3_K>(from, blocks, to, scale_to, offset_to, unpack);
}

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(unpack_q3_k);

}  // namespace quant

void register_q3_k(quant::FormatTable& table) {
  using quant::Q3_K;
  table.add(
      quant::group_format<Q3_K>([](const std::byte* from, int64_t blocks, int8_t* q, float* scale, float* offset) {
        HWY_DYNAMIC_DISPATCH(quant::unpack_q3_k)(from, blocks, q, scale, offset);
      }));
}

}  // namespace imago
#endif
