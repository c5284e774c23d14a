#include "imago/quant/q4_1/q4_1.h"

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q4_1/q4_1.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

void unpack_q4_1(const std::byte* from, int64_t blocks, int8_t* to, float* scale_to, float* offset_to) {
  const auto unpack = [](const Q4_1::Block& block, int8_t* q, float* scale, float* offset) HWY_ATTR {
    unpack_nibbles(block.nibbles, 16, 0, q, q + 16);
    *scale = widen(block.scale);
    *offset = widen(block.minimum);
  };
  for_each_block<Q4_1>(from, blocks, to, scale_to, offset_to, unpack);
}

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(unpack_q4_1);

}  // namespace quant

void register_q4_1(quant::FormatTable& table) {
  using quant::Q4_1;
  table.add(
      quant::group_format<Q4_1>([](const std::byte* from, int64_t blocks, int8_t* q, float* scale, float* offset) {
        HWY_DYNAMIC_DISPATCH(quant::unpack_q4_1)(from, blocks, q, scale, offset);
      }));
}

}  // namespace imago
#endif
