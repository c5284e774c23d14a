#include "imago/quant/q5_0/q5_0.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q5_0/q5_0.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

void unpack_q5_0(const std::byte* from, int64_t blocks, int8_t* to, float* scale_to, float* offset_to) {
  const auto unpack = [](const Q5_0::Block& block, int8_t* q, float* scale, float*) HWY_ATTR {
    unpack_fives(block.nibbles, block.fifth_bits, 16, q);
    *scale = widen(block.scale);
  };
  for_each_block<Q5_0>(from, blocks, to, scale_to, offset_to, unpack);
}

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(unpack_q5_0);

}  // namespace quant

void register_q5_0(quant::FormatTable& table) {
  using quant::Q5_0;
  table.add(
      quant::group_format<Q5_0>([](const std::byte* from, int64_t blocks, int8_t* q, float* scale, float* offset) {
        HWY_DYNAMIC_DISPATCH(quant::unpack_q5_0)(from, blocks, q, scale, offset);
      }));
}

}  // namespace imago
#endif
