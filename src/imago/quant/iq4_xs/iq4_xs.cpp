#include "imago/quant/iq4_xs/iq4_xs.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/iq4_xs/iq4_xs.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

void unpack_iq4_xs(const std::byte* from, int64_t blocks, int8_t* to, float* scale_to, float* offset_to) {
  const auto unpack = [](const IQ4_XS::Block& block, int8_t* q, float* scale, float*) HWY_ATTR {
    const float common = widen(block.scale);
    for (int g = 0; g < 8; ++g) {
      const int low = block.low_scales[g / 2] >> (g % 2 * 4) & 15, high = block.high_scales >> (2 * g) & 3;
      scale[g] = common * static_cast<float>((low | high << 4) - 32);
      look_up_nibbles(block.nibbles + g * 16, kUnevenValues, q + g * 32, q + g * 32 + 16);
    }
  };
  for_each_block<IQ4_XS>(from, blocks, to, scale_to, offset_to, unpack);
}

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(unpack_iq4_xs);

}  // namespace quant

void register_iq4_xs(quant::FormatTable& table) {
  using quant::IQ4_XS;
  table.add(
      quant::group_format<IQ4_XS>([](const std::byte* from, int64_t blocks, int8_t* q, float* scale, float* offset) {
        HWY_DYNAMIC_DISPATCH(quant::unpack_iq4_xs)(from, blocks, q, scale, offset);
      }));
}

}  // namespace imago
#endif
