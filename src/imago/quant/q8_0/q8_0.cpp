#include "imago/quant/q8_0/q8_0.h"

#include <cstring>

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/q8_0/q8_0.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include "imago/quant/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant::HWY_NAMESPACE {

void unpack_q8_0(const std::byte* from, int64_t blocks, int8_t* to, float* scale_to, float* offset_to) {
  const auto unpack = [](const Q8_0::Block& block, int8_t* q, float* scale, float*) HWY_ATTR {
    std::memcpy(q, block.values, sizeof(block.values));
    *scale = widen(block.scale);
  };
  for_each_block<Q8_0>(from, blocks, to, scale_to, offset_to, unpack);
}

}  // namespace imago::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago {
namespace quant {

HWY_EXPORT(unpack_q8_0);

}  // namespace quant

void register_q8_0(quant::FormatTable& table) {
  using quant::Q8_0;
  table.add(
      quant::group_format<Q8_0>([](const std::byte* from, int64_t blocks, int8_t* q, float* scale, float* offset) {
        HWY_DYNAMIC_DISPATCH(quant::unpack_q8_0)(from, blocks, q, scale, offset);
      }));
}

}  // namespace imago
#endif
