#include "imago/ops/contiguous/contiguous.h"

#include "imago/ops/op_table.h"
#include "imago/ops/permute/permute.h"

namespace imago {

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : clone(x); }

Tensor clone(const Tensor& x) { return apply(op::Contiguous{}, x); }

void register_contiguous(OpTable& table) {
  table.add<op::Contiguous>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {contiguous(in[0])}; };
    return {{"dense", {sample_values({3, 4})}, call},
            {"transposed", {transpose(sample_values({2, 5, 3}), 0, 2)}, call}};
  });
}

}  // namespace imago
