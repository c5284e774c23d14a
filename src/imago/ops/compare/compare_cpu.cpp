#include "imago/ops/compare/compare.h"

#include "imago/ops/elementwise_cpu.h"
#include "imago/ops/kernel_table.h"

namespace imago {
namespace {

#define COMPARISON(Op, expression)                                                                                    \
  void Op##_cpu(const op::Op&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {                           \
    dispatch_computed(op::Op::name, inputs[0].dtype(), [&]<class T>() {                                               \
      map_elements<T, bool>(inputs[0], inputs[1], outputs[0], [](Compute<T> a, Compute<T> b) { return expression; }); \
    });                                                                                                               \
  }
#define BITWISE(Op, expression)                                                                                    \
  void Op##_cpu(const op::Op&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {                        \
    dispatch_computed(op::Op::name, inputs[0].dtype(), [&]<class T>() {                                            \
      if constexpr (std::is_integral_v<T>) {                                                                       \
        map_elements<T, T>(inputs[0], inputs[1], outputs[0], [](T a, T b) { return static_cast<T>(expression); }); \
      }                                                                                                            \
    });                                                                                                            \
  }

COMPARISON(Eq, a == b)
COMPARISON(Ne, a != b)
COMPARISON(Lt, a < b)
COMPARISON(Le, a <= b)
COMPARISON(Gt, a > b)
COMPARISON(Ge, a >= b)
COMPARISON(LogicalAnd, (a != 0) & (b != 0))
COMPARISON(LogicalOr, (a != 0) | (b != 0))
COMPARISON(LogicalXor, (a != 0) != (b != 0))
BITWISE(BitwiseAnd, a& b)
BITWISE(BitwiseOr, a | b)
BITWISE(BitwiseXor, a ^ b)

#undef COMPARISON
#undef BITWISE

}  // namespace

void register_compare_cpu(KernelTable& table) {
  table.add<op::Eq, Eq_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Ne, Ne_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Lt, Lt_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Le, Le_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Gt, Gt_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Ge, Ge_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::LogicalAnd, LogicalAnd_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::LogicalOr, LogicalOr_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::LogicalXor, LogicalXor_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::BitwiseAnd, BitwiseAnd_cpu>(Device::kCPU, kIntegralOrBoolDTypes);
  table.add<op::BitwiseOr, BitwiseOr_cpu>(Device::kCPU, kIntegralOrBoolDTypes);
  table.add<op::BitwiseXor, BitwiseXor_cpu>(Device::kCPU, kIntegralOrBoolDTypes);
}

}  // namespace imago
