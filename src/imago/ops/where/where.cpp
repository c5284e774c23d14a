#include "imago/ops/where/where.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"

namespace imago {
namespace {

void require_mask(const char* where, const Tensor& mask) {
  if (mask.dtype() == DType::boolean) return;
  throw Error(ErrorKind::kInvalidArgument, where, fmt::format("the condition is {}, not bool", mask.describe()),
              "compare it with 0");
}

// [rows, columns]: column - row of each element of the last two dimensions.
Tensor distance_from_diagonal(const char* where, const Tensor& x) {
  if (x.dim() < 2) throw Error(ErrorKind::kInvalidArgument, where, fmt::format("{} is no matrix", x.describe()));
  const auto range = [&x](int64_t dim) {
    return Tensor::arange(0, static_cast<double>(x.size(dim)), 1, DType::i64, x.device());
  };
  return range(-1) - unsqueeze(range(-2), 1);
}

}  // namespace

TensorSpec op::Where::check(const Tensor& condition, const Tensor& a, const Tensor& b) const {
  require_mask(name, condition);
  require_same_dtype(name, a, b);
  require_dtype(name, Accepts::kComputed, a);
  return {broadcast_shapes(condition.shape(), broadcast_shapes(a.shape(), b.shape(), name), name), a.dtype()};
}

Tensors op::Where::vjp(const Backward& b) const {
  const Tensor& condition = b.input(0);
  const Tensor zero = scalar_like(name, b.grad(), 0);
  Tensors grads(3);
  if (b.needs_input(1)) grads[1] = sum_to(where(condition, b.grad(), zero), b.input(1).shape());
  if (b.needs_input(2)) grads[2] = sum_to(where(condition, zero, b.grad()), b.input(2).shape());
  return grads;
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) { return apply(op::Where{}, condition, a, b); }

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  if (!(broadcast_shapes(x.shape(), mask.shape(), "masked_fill") == x.shape())) {
    throw Error(ErrorKind::kInvalidArgument, "masked_fill",
                fmt::format("mask {} does not broadcast to {}", mask.describe(), x.describe()));
  }
  return where(mask, scalar_like("masked_fill", x, value), x);
}

Tensor tril(const Tensor& x, int64_t diagonal) {
  return masked_fill(x, distance_from_diagonal("tril", x) > static_cast<double>(diagonal), 0);
}

Tensor triu(const Tensor& x, int64_t diagonal) {
  return masked_fill(x, distance_from_diagonal("triu", x) < static_cast<double>(diagonal), 0);
}

void register_where(OpTable& table) {
  table.add<op::Where>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {where(in[0], in[1], in[2])}; };
    const auto mask = [](const Shape& shape) { return eq(sample_indices(shape, 2), 0); };
    return {
        {"matrices", {mask({3, 4}), sample_values({3, 4}), sample_values({3, 4}, -2, 2, 2)}, call},
        {"broadcast", {mask({3, 1}), sample_values({4}), sample_values({2, 1, 1}, -2, 2, 2)}, call},
        {"integers", {mask({3, 4}), sample_indices({3, 4}, 9), sample_indices({4}, 9, 2)}, call, false},
        {"empty", {mask({0, 4}), sample_values({4}), sample_values({}, -2, 2, 2)}, call},
        {"masked_fill",
         {sample_values({2, 3, 4}), mask({3, 4})},
         [](auto in) -> Tensors { return {masked_fill(in[0], in[1], -7)}; }},
        {"triangles",
         {sample_values({2, 4, 5})},
         [](auto in) -> Tensors {
           return {tril(in[0]), triu(in[0], -1)};
         }},
    };
  });
}

}  // namespace imago
