#include "imago/ops/softmax/softmax.h"

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/unary/unary.h"

namespace imago {
namespace {

TensorSpec check_rows(const char* name, const Tensor& x, int64_t dim) {
  require_floating(name, "x", x);
  normalize_dim(dim, x.dim(), name);
  return {x.shape(), x.dtype()};
}

template <class Op>
Tensor apply_along(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  const Tensor input = dtype ? cast(x, *dtype) : x;
  return apply(Op{normalize_dim(dim, input.dim(), Op::name)}, input);
}

}  // namespace

TensorSpec op::Softmax::check(const Tensor& x) const { return check_rows(name, x, dim); }

// The maximum is taken out so that exp stays finite.
Tensor op::Softmax::decompose(const Tensor& x) const {
  if (x.numel() == 0) return x;
  const Tensor e = exp(x - amax(x, {dim}, true));
  return e / sum(e, {dim}, true);
}

Tensors op::Softmax::vjp(const Backward& b) const {
  const Tensor &y = b.output(), &g = b.grad();
  return {y * (g - sum(g * y, {dim}, true))};
}

TensorSpec op::LogSoftmax::check(const Tensor& x) const { return check_rows(name, x, dim); }

Tensor op::LogSoftmax::decompose(const Tensor& x) const {
  if (x.numel() == 0) return x;
  const Tensor shifted = x - amax(x, {dim}, true);
  return shifted - log(sum(exp(shifted), {dim}, true));
}

Tensors op::LogSoftmax::vjp(const Backward& b) const {
  const Tensor &y = b.output(), &g = b.grad();
  return {g - exp(y) * sum(g, {dim}, true)};
}

Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return apply_along<op::Softmax>(x, dim, dtype);
}

Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return apply_along<op::LogSoftmax>(x, dim, dtype);
}

namespace {

template <Tensor (*kFunction)(const Tensor&, int64_t, std::optional<DType>)>
std::vector<Sample> samples() {
  const auto along = [](int64_t dim) {
    return [dim](std::span<const Tensor> in) -> Tensors { return {kFunction(in[0], dim, {})}; };
  };
  return {{"rows", {sample_values({3, 5})}, along(-1)},
          {"long row", {sample_values({37}, -20, 20)}, along(0)},
          {"middle dimension", {sample_values({2, 5, 3})}, along(1)},
          {"one element", {sample_values({4, 1})}, along(-1)},
          {"no rows", {sample_values({0, 4})}, along(-1)},
          {"empty rows", {sample_values({3, 0})}, along(-1)}};
}

}  // namespace

void register_softmax(OpTable& table) {
  table.add<op::Softmax>(samples<softmax>);
  table.add<op::LogSoftmax>(samples<log_softmax>);
}

}  // namespace imago
