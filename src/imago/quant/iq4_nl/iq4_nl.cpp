#include "imago/quant/iq4_nl/iq4_nl.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/iq4_nl/iq4_nl.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

void unpack_iq4_nl(const std::byte* from, int64_t blocks, int8_t* to, float* scale_to, float* offset_to) {
  const auto unpack = [](const IQ4_NL::Block& block, int8_t* q, float* scale, float*) HWY_ATTR {
    look_up_nibbles(block.nibbles, kUnevenValues, q, q + 16);
    *scale = widen(block.scale);
  };
  for_each_block<IQ4_NL>(from, blocks, to, scale_to, offset_to, unpack);
}

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(unpack_iq4_nl);

}  // namespace quant

void register_iq4_nl(quant::FormatTable& table) {
  using quant::IQ4_NL;
  table.add(
      quant::group_format<IQ4_NL>([](const std::byte* from, int64_t blocks, int8_t* q, float* scale, float* offset) {
        HWY_DYNAMIC_DISPATCH(quant::unpack_iq4_nl)(from, blocks, q, scale, offset);
      }));
}

}  // namespace imago
#endif
