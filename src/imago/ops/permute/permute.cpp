#include "imago/ops/permute/permute.h"

#include <fmt/core.h>

#include <utility>

#include "imago/base/error.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

Shape gather_dims(const Shape& values, const Shape& dims) {
  Shape result = dims;
  for (int64_t& d : result) d = values[static_cast<int>(d)];
  return result;
}

Shape identity_dims(int count) {
  Shape dims;
  for (int d = 0; d < count; ++d) dims.push_back(d);
  return dims;
}

}  // namespace

TensorSpec op::Permute::check(const Tensor& x) const {
  uint32_t seen = 0;
  for (int64_t d : dims) seen |= d >= 0 && d < x.dim() ? 1u << d : 0;
  if (dims.size() != x.dim() || seen != (1u << x.dim()) - 1) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("{} is no order of the dimensions of {}", dims.to_string(), x.describe()));
  }
  return {gather_dims(x.shape(), dims), x.dtype()};
}

Tensor op::Permute::view(const Tensor& x) const {
  return x.alias(gather_dims(x.shape(), dims), gather_dims(x.strides(), dims), x.offset());
}

Tensors op::Permute::vjp(const Backward& b) const {
  Shape inverse = dims;
  for (int d = 0; d < dims.size(); ++d) inverse[static_cast<int>(dims[d])] = d;
  return {permute(b.grad(), inverse)};
}

Tensor permute(const Tensor& x, const Shape& dims) {
  Shape normalized = dims;
  for (int64_t& d : normalized) d = normalize_dim(d, x.dim(), "permute");
  return apply(op::Permute{normalized}, x);
}

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  Shape dims = identity_dims(x.dim());
  std::swap(dims[normalize_dim(dim0, x.dim(), "transpose")], dims[normalize_dim(dim1, x.dim(), "transpose")]);
  return apply(op::Permute{dims}, x);
}

void register_permute(OpTable& table) {
  table.add<op::Permute>([]() -> std::vector<Sample> {
    return {
        {"3 dimensions",
         {sample_values({2, 3, 4})},
         [](auto in) -> Tensors {
           return {permute(in[0], {2, 0, 1})};
         }},
        {"transpose", {sample_values({2, 3, 4})}, [](auto in) -> Tensors { return {transpose(in[0], -1, 0)}; }},
    };
  });
}

}  // namespace imago
