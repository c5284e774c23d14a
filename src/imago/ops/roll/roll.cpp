#include "imago/ops/roll/roll.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/op_table.h"
#include "imago/ops/slice/slice.h"

namespace imago {

TensorSpec op::Roll::check(const Tensor& x) const {
  if (shifts.size() != dims.size()) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("shifts {} and dims {} do not pair", shifts.to_string(), dims.to_string()));
  }
  for (int64_t d : dims) normalize_dim(d, x.dim(), name);
  return {x.shape(), x.dtype()};
}

Tensor op::Roll::decompose(const Tensor& x) const {
  Tensor y = x;
  for (int i = 0; i < dims.size(); ++i) {
    const int64_t size = y.size(dims[i]);
    if (size == 0) continue;
    const int64_t shift = (shifts[i] % size + size) % size;
    if (shift != 0) {
      y = concat({narrow(y, dims[i], size - shift, shift), narrow(y, dims[i], 0, size - shift)}, dims[i]);
    }
  }
  return y;
}

Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims) { return apply(op::Roll{shifts, dims}, x); }

void register_roll(OpTable& table) {
  table.add<op::Roll>([]() -> std::vector<Sample> {
    return {{"forward", {sample_values({3, 5})}, [](auto in) -> Tensors { return {roll(in[0], {2}, {-1})}; }},
            {"two",
             {sample_values({3, 5})},
             [](auto in) -> Tensors {
               return {roll(in[0], {-4, 7}, {0, 1})};
             }},
            {"empty", {sample_values({0, 5})}, [](auto in) -> Tensors { return {roll(in[0], {1}, {0})}; }}};
  });
}

}  // namespace imago
