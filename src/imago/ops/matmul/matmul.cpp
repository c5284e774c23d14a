#include "imago/ops/matmul/matmul.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"

namespace imago {

TensorSpec op::MatMul::check(const Tensor& a, const Tensor& b) const {
  require_floating(name, "a", a);
  require_floating(name, "b", b);
  require_same_dtype(name, "a", a, "b", b);
  if (a.dim() < 2 || b.dim() < 2) {
    throw Error(ErrorKind::kInvalidArgument, name, fmt::format("{} @ {} are not matrices", a.describe(), b.describe()));
  }
  if (a.size(-1) != b.size(-2)) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("inner sizes differ: a {} @ b {}", a.shape().to_string(), b.shape().to_string()));
  }
  Shape shape = broadcast_shapes(a.shape().sub(0, a.dim() - 2), b.shape().sub(0, b.dim() - 2), name);
  shape.push_back(a.size(-2));
  shape.push_back(b.size(-1));
  return {shape, a.dtype()};
}

// y = a b, so a's gradient is g b^T and b's is a^T g, each summed over the dimensions that were broadcast.
Tensors op::MatMul::vjp(const Backward& backward) const {
  const Tensor &a = backward.input(0), &b = backward.input(1), &g = backward.grad();
  Tensor grad_a, grad_b;
  if (backward.needs_input(0)) grad_a = sum_to(matmul(g, transpose(b, -1, -2)), a.shape());
  if (backward.needs_input(1)) {
    // One matrix for all rows: a single product sums over them, where a batched one would store every summand.
    const bool shared = b.dim() == 2 && a.dim() > 2;
    const Tensor rows = shared ? flatten(a, 0, -2) : a;
    grad_b = sum_to(matmul(transpose(rows, -1, -2), shared ? flatten(g, 0, -2) : g), b.shape());
  }
  return {grad_a, grad_b};
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  require_defined("matmul", "a", a);
  require_defined("matmul", "b", b);
  if (a.dim() == 0 || b.dim() == 0) {
    throw Error(ErrorKind::kInvalidArgument, "matmul", "a tensor without dimensions has no matrix product",
                "multiply elementwise");
  }
  Tensor y = apply(op::MatMul{}, a.dim() == 1 ? unsqueeze(a, 0) : a, b.dim() == 1 ? unsqueeze(b, 1) : b);
  if (b.dim() == 1) y = squeeze(y, -1);
  if (a.dim() == 1) y = squeeze(y, b.dim() == 1 ? -1 : -2);
  return y;
}

void register_matmul(OpTable& table) {
  table.add<op::MatMul>([]() -> std::vector<Sample> {
    const auto call = [](std::span<const Tensor> in) -> Tensors { return {matmul(in[0], in[1])}; };
    const auto sample = [&call](const char* name, const Shape& a, const Shape& b) -> Sample {
      return {name, {sample_values(a), sample_values(b, -2, 2, 2)}, call};
    };
    return {
        sample("matrices", {3, 5}, {5, 4}),
        sample("one row", {1, 7}, {7, 3}),
        sample("vectors", {5}, {5}),
        sample("matrix by vector", {3, 5}, {5}),
        sample("vector by batch", {5}, {2, 5, 3}),
        sample("batch by matrix", {2, 3, 5}, {5, 2}),
        sample("broadcast batches", {2, 1, 3, 4}, {3, 4, 2}),
        sample("inner size 0", {2, 0}, {0, 3}),
        sample("no rows", {0, 4}, {4, 3}),
        {"transposed",
         {sample_values({2, 5, 3}), sample_values({4, 5}, -2, 2, 2)},
         [](auto in) -> Tensors { return {matmul(transpose(in[0], 1, 2), transpose(in[1], 0, 1))}; }},
        {"strided",
         {sample_values({5, 2, 3}), sample_values({3, 4, 2}, -2, 2, 2)},
         [](auto in) -> Tensors {
           return {matmul(permute(in[0], {1, 0, 2}), permute(in[1], {2, 0, 1}))};
         }},
    };
  });
}

}  // namespace imago
