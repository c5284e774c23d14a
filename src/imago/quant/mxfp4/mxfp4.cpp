#include "imago/quant/mxfp4/mxfp4.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/mxfp4/mxfp4.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

void unpack_mxfp4(const std::byte* from, int64_t blocks, int8_t* to, float* scale_to, float* offset_to) {
  const auto unpack = [](const MXFP4::Block& block, int8_t* q, float* scale, float*) HWY_ATTR {
    look_up_nibbles(block.nibbles, MXFP4::kDoubled, q, q + 16);
    *scale = MXFP4::half_power(block.exponent);
  };
  for_each_block<MXFP4>(from, blocks, to, scale_to, offset_to, unpack);
}

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(unpack_mxfp4);

}  // namespace quant

void register_mxfp4(quant::FormatTable& table) {
  using quant::MXFP4;
  table.add(
      quant::group_format<MXFP4>([](const std::byte* from, int64_t blocks, int8_t* q, float* scale, float* offset) {
        HWY_DYNAMIC_DISPATCH(quant::unpack_mxfp4)(from, blocks, q, scale, offset);
      }));
}

}  // namespace imago
#endif
