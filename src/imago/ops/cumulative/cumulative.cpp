#include "imago/ops/cumulative/cumulative.h"

#include "imago/ops/compare/compare.h"
#include "imago/ops/flip/flip.h"
#include "imago/ops/op_checks.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operators.h"
#include "imago/ops/where/where.h"

namespace imago {
namespace {

// y[i] = x[i] + x[i + 1] + ... to the end.
Tensor sum_of_rest(const Tensor& x, int64_t dim) { return flip(cumsum(flip(x, {dim}), dim), {dim}); }

}  // namespace

TensorSpec op::check_cumulative(const char* name, const Tensor& x, int64_t dim) {
  normalize_dim(dim, x.dim(), name);
  require_dtype(name, Accepts::kComputed, x);
  return {x.shape(), is_floating_point(x.dtype()) ? x.dtype() : DType::i64};
}

// An element is part of every sum behind it.
Tensors op::CumSum::vjp(const Backward& b) const { return {sum_of_rest(b.grad(), dim)}; }

// Before the first zero the products without x[i] are y / x. Those of the first zero itself are the products with a one
// in its place. Behind it they all hold the zero.
Tensors op::CumProd::vjp(const Backward& b) const {
  const Tensor& x = b.input(0);
  const Tensor zero = eq(x, 0), zeros = cumsum(zero, dim);
  const Tensor first = logical_and(zero, eq(zeros, 1));
  const Tensor replaced = masked_fill(x, first, 1);
  const Tensor before = sum_of_rest(b.grad() * b.output(), dim) / masked_fill(x, zero, 1);
  const Tensor at_zero = sum_of_rest(b.grad() * cumprod(replaced, dim), dim);
  return {where(first, at_zero, masked_fill(before, zeros > 0, 0))};
}

Tensor cumsum(const Tensor& x, int64_t dim) { return apply(op::CumSum{normalize_dim(dim, x.dim(), "cumsum")}, x); }
Tensor cumprod(const Tensor& x, int64_t dim) { return apply(op::CumProd{normalize_dim(dim, x.dim(), "cumprod")}, x); }

namespace {

std::vector<Sample> samples(Tensor (*function)(const Tensor&, int64_t)) {
  const auto along = [function](int64_t dim) {
    return [=](std::span<const Tensor> in) -> Tensors { return {function(in[0], dim)}; };
  };
  return {{"columns", {sample_values({3, 5})}, along(1)},
          {"rows", {sample_values({3, 5})}, along(0)},
          {"integers", {sample_indices({9}, 9)}, along(0), false},
          {"empty", {sample_values({3, 0})}, along(1)}};
}

}  // namespace

void register_cumulative(OpTable& table) {
  table.add<op::CumSum>([] { return samples(cumsum); });
  table.add<op::CumProd>([] {
    std::vector<Sample> all = samples(cumprod);
    const Tensor zeros = Tensor::from<double>({2, 0, 3, -1.5, 0.5, 1.5, 2, 0, 0, 4}, {2, 5});
    all.push_back({"zeros", {zeros}, [](auto in) -> Tensors { return {cumprod(in[0], 1)}; }});
    return all;
  });
}

}  // namespace imago
