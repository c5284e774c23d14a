#include "imago/ops/reshape/reshape.h"

#include <fmt/core.h>

#include <optional>

#include "imago/base/error.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/op_table.h"
#include "imago/ops/permute/permute.h"

namespace imago {
namespace {

// The strides that show x's elements, in row-major order, under `shape`; none where that takes a copy.
// Both shapes are cut into the smallest groups of equal product; within a group of x the dimensions must be dense.
std::optional<Shape> reshaped_strides(const Tensor& x, const Shape& shape) {
  if (x.numel() == 0) return contiguous_strides(shape);
  Shape strides = Shape::filled(shape.size(), 0);
  int to = shape.size() - 1;
  int64_t group_stride = x.dim() > 0 ? x.strides().back() : 1;
  int64_t from_product = 1, to_product = 1;
  for (int from = x.dim() - 1; from >= 0; --from) {
    from_product *= x.shape()[from];
    const bool dense_with_next =
        from > 0 && (x.shape()[from - 1] == 1 || x.strides()[from - 1] == from_product * group_stride);
    if (from > 0 && dense_with_next) continue;
    while (to >= 0 && (to_product < from_product || shape[to] == 1)) {
      strides[to] = to_product * group_stride;
      to_product *= shape[to--];
    }
    if (to_product != from_product) return std::nullopt;
    if (from > 0) group_stride = x.strides()[from - 1];
    from_product = to_product = 1;
  }
  while (to >= 0) strides[to--] = 1;
  return strides;
}

Shape resolve(const Tensor& x, const Shape& shape) {
  Shape result = shape;
  int unknown = -1;
  int64_t known = 1;
  for (int d = 0; d < shape.size(); ++d) {
    if (shape[d] == -1 && unknown < 0) {
      unknown = d;
    } else {
      known *= shape[d];
    }
  }
  if (unknown >= 0 && known > 0 && x.numel() % known == 0) result[unknown] = x.numel() / known;
  if (checked_product(result, "reshape") != x.numel()) {
    throw Error(ErrorKind::kInvalidArgument, "reshape",
                fmt::format("{} has not the elements of shape {}", x.describe(), shape.to_string()));
  }
  return result;
}

}  // namespace

Tensor op::Reshape::view(const Tensor& x) const { return x.alias(shape, *reshaped_strides(x, shape), x.offset()); }

Tensors op::Reshape::vjp(const Backward& b) const { return {reshape(b.grad(), b.input(0).shape())}; }

Tensor reshape(const Tensor& x, const Shape& shape) {
  const Shape resolved = resolve(x, shape);
  if (resolved == x.shape()) return x;
  return apply(op::Reshape{resolved}, reshaped_strides(x, resolved) ? x : contiguous(x));
}

Tensor flatten(const Tensor& x, int64_t start_dim, int64_t end_dim) {
  const int start = normalize_dim(start_dim, x.dim(), "flatten"), end = normalize_dim(end_dim, x.dim(), "flatten");
  Shape shape = x.shape().sub(0, start);
  shape.push_back(x.shape().sub(start, end + 1).product());
  for (int d = end + 1; d < x.dim(); ++d) shape.push_back(x.shape()[d]);
  return reshape(x, shape);
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  Shape shape = x.shape();
  shape.insert(normalize_dim(dim, x.dim() + 1, "unsqueeze"), 1);
  return reshape(x, shape);
}

Tensor squeeze(const Tensor& x, int64_t dim) {
  Shape shape = x.shape();
  const int d = normalize_dim(dim, x.dim(), "squeeze");
  if (shape[d] != 1) return x;
  shape.erase(d);
  return reshape(x, shape);
}

void register_reshape(OpTable& table) {
  table.add<op::Reshape>([]() -> std::vector<Sample> {
    return {
        {"flat", {sample_values({3, 4})}, [](auto in) -> Tensors { return {reshape(in[0], {-1})}; }},
        {"split",
         {sample_values({6, 4})},
         [](auto in) -> Tensors {
           return {reshape(in[0], {2, 3, 2, 2})};
         }},
        {"copy",
         {sample_values({3, 4})},
         [](auto in) -> Tensors {
           return {reshape(transpose(in[0], 0, 1), {2, 6})};
         }},
        {"empty",
         {sample_values({0, 4})},
         [](auto in) -> Tensors {
           return {reshape(in[0], {4, 0, 2})};
         }},
    };
  });
}

}  // namespace imago
