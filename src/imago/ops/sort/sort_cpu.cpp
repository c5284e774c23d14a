#include "imago/ops/sort/sort.h"

#include <numeric>

#include "imago/ops/kernel_table.h"
#include "imago/ops/sort/order_cpu.h"

namespace imago {
namespace {

void sort_cpu(const op::Sort& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_computed(op.name, inputs[0].dtype(), [&]<class T>() {
    const auto choose = [descending = op.descending](const T* line, int64_t size, int64_t* indices, int64_t) {
      std::iota(indices, indices + size, 0);
      std::stable_sort(indices, indices + size, ComesBefore<T>{line, descending});
    };
    choose_along<T>(inputs[0], op.dim, outputs[0], outputs[1], choose);
  });
}

}  // namespace

void register_sort_cpu(KernelTable& table) { table.add<op::Sort, sort_cpu>(Device::kCPU, kComputedDTypes); }

}  // namespace imago
