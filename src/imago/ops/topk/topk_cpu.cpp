#include "imago/ops/topk/topk.h"

#include <numeric>

#include "imago/ops/kernel_table.h"
#include "imago/ops/sort/order_cpu.h"

namespace imago {
namespace {

// A heap of the best so far, the worst of them on top, in the output itself: one pass over the line and no other
// memory.
template <class T>
void choose_best(const T* line, int64_t size, int64_t* indices, int64_t count, bool largest) {
  const ComesBefore<T> order{line, largest};
  const auto better = [order](int64_t a, int64_t b) { return order(a, b) || (!order(b, a) && a < b); };
  std::iota(indices, indices + count, 0);
  std::make_heap(indices, indices + count, better);
  for (int64_t i = count; i < size; ++i) {
    if (!better(i, indices[0])) continue;
    std::pop_heap(indices, indices + count, better);
    indices[count - 1] = i;
    std::push_heap(indices, indices + count, better);
  }
  std::sort_heap(indices, indices + count, better);
}

void topk_cpu(const op::TopK& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_computed(op.name, inputs[0].dtype(), [&]<class T>() {
    const auto choose = [largest = op.largest](const T* line, int64_t size, int64_t* indices, int64_t count) {
      choose_best(line, size, indices, count, largest);
    };
    choose_along<T>(inputs[0], op.dim, outputs[0], outputs[1], choose);
  });
}

}  // namespace

void register_topk_cpu(KernelTable& table) {
  table.add<op::TopK, topk_cpu>(Device::kCPU, {DType::f64, DType::f32, DType::f16, DType::bf16, DType::i64, DType::i32,
                                               DType::i16, DType::i8, DType::u8});
}

}  // namespace imago
