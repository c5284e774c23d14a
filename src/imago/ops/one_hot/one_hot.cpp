#include "imago/ops/one_hot/one_hot.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scatter/scatter.h"

namespace imago {

TensorSpec op::OneHot::check(const Tensor& index) const {
  require_index(name, index);
  if (num_classes < 1) throw Error(ErrorKind::kInvalidArgument, name, fmt::format("{} classes", num_classes));
  Shape shape = index.shape();
  shape.push_back(num_classes);
  return {shape, DType::i64};
}

// scatter checks the indices.
Tensor op::OneHot::decompose(const Tensor& index) const {
  Shape shape = index.shape();
  shape.push_back(num_classes);
  return scatter(Tensor::zeros(shape, DType::i64, index.device()), -1, unsqueeze(index, -1), 1);
}

Tensor one_hot(const Tensor& index, int64_t num_classes) { return apply(op::OneHot{num_classes}, index); }

void register_one_hot(OpTable& table) {
  table.add<op::OneHot>([]() -> std::vector<Sample> {
    return {{"matrix", {sample_indices({2, 3}, 5)}, [](auto in) -> Tensors { return {one_hot(in[0], 5)}; }, false}};
  });
}

}  // namespace imago
