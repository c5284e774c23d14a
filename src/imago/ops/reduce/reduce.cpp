#include "imago/ops/reduce/reduce.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago {
namespace {

int64_t count_of(const Tensor& x, const Shape& dims) {
  int64_t count = 1;
  for (int64_t d : dims) count *= x.shape()[static_cast<int>(d)];
  return count;
}

Shape shape_without(const Tensor& x, const Shape& dims, bool keepdim) {
  Shape shape = x.shape();
  for (int i = dims.size() - 1; i >= 0; --i) {
    const int d = static_cast<int>(dims[i]);
    if (keepdim) {
      shape[d] = 1;
    } else {
      shape.erase(d);
    }
  }
  return shape;
}

// The result of a reduction, or its gradient, with the reduced dimensions put back, so that it broadcasts with x.
Tensor unreduce(const Tensor& reduced, const Tensor& x, const Shape& dims) {
  return reshape(reduced, shape_without(x, dims, true));
}

// An extreme of nothing does not exist.
void require_elements(const char* name, const Tensor& x, const Shape& dims) {
  if (count_of(x, dims) > 0) return;
  throw Error(ErrorKind::kInvalidArgument, name,
              fmt::format("there are no elements along {} of {}", dims.to_string(), x.describe()));
}

Tensors extremum_vjp(const Backward& b, const Shape& dims) {
  const Tensor& x = b.input(0);
  const Tensor chosen = cast(eq(x, unreduce(b.output(), x, dims)), x.dtype());
  return {chosen * (unreduce(b.grad(), x, dims) / sum(chosen, dims, true))};
}

}  // namespace

TensorSpec op::check_reduction(const char* name, Accepts accepts, Reduces reduces, const Tensor& x, const Shape& dims,
                               bool keepdim) {
  require_dtype(name, accepts, x);
  for (int i = 0; i < dims.size(); ++i) {
    if (dims[i] < 0 || dims[i] >= x.dim() || (i > 0 && dims[i] <= dims[i - 1])) {
      throw Error(ErrorKind::kInvalidArgument, name,
                  fmt::format("{} are no increasing dimensions of {}", dims.to_string(), x.describe()));
    }
  }
  if (reduces == Reduces::kToExtreme || reduces == Reduces::kToIndex) require_elements(name, x, dims);
  DType dtype = x.dtype();
  if (reduces == Reduces::kToSum && !is_floating_point(dtype)) dtype = DType::i64;
  if (reduces == Reduces::kToBool) dtype = DType::boolean;
  if (reduces == Reduces::kToIndex) dtype = DType::i64;
  return {shape_without(x, dims, keepdim), dtype};
}

namespace {

template <class Op>
Tensor reduce(const Tensor& x, const Shape& dims, bool keepdim) {
  return apply(Op{normalize_dims(dims, x.dim(), Op::name), keepdim}, x);
}

Shape as_list(std::optional<int64_t> dim) { return dim ? Shape{*dim} : Shape{}; }

}  // namespace

Tensors op::Sum::vjp(const Backward& b) const {
  return {expand(unreduce(b.grad(), b.input(0), dims), b.input(0).shape())};
}

Tensors op::Mean::vjp(const Backward& b) const {
  const Tensor share = b.grad() / static_cast<double>(count_of(b.input(0), dims));
  return {expand(unreduce(share, b.input(0), dims), b.input(0).shape())};
}

// The product of all others. Dividing by the element fails at zeros, so they are taken out and counted.
Tensors op::Prod::vjp(const Backward& b) const {
  const Tensor& x = b.input(0);
  const Tensor zero = eq(x, 0), zeros = sum(zero, dims, true);
  const Tensor nonzero = masked_fill(x, zero, 1), product = prod(nonzero, dims, true);
  const Tensor others = where(zero, masked_fill(product, zeros > 1, 0), masked_fill(product / nonzero, zeros > 0, 0));
  return {unreduce(b.grad(), x, dims) * others};
}

Tensors op::Amax::vjp(const Backward& b) const { return extremum_vjp(b, dims); }
Tensors op::Amin::vjp(const Backward& b) const { return extremum_vjp(b, dims); }

TensorSpec op::Var::check(const Tensor& x) const {
  return check_reduction(name, Accepts::kFloating, Reduces::kToSame, x, dims, keepdim);
}

Tensor op::Var::decompose(const Tensor& x) const {
  const Tensor wide = widen(x);
  const double degrees_of_freedom = std::max(static_cast<double>(count_of(x, dims)) - correction, 0.0);
  return cast(sum(square(wide - mean(wide, dims, true)), dims, keepdim) / degrees_of_freedom, x.dtype());
}

TensorSpec op::LogSumExp::check(const Tensor& x) const {
  return check_reduction(name, Accepts::kFloating, Reduces::kToSame, x, dims, keepdim);
}

// The largest element is taken out, so that exp cannot overflow, unless it is infinite.
Tensor op::LogSumExp::decompose(const Tensor& x) const {
  const Tensor wide = widen(x);
  if (count_of(x, dims) == 0) return cast(log(sum(exp(wide), dims, keepdim)), x.dtype());
  const Tensor largest = amax(wide.detach(), dims, true);
  const Tensor shift = masked_fill(largest, isinf(largest), 0);
  const Tensor result = log(sum(exp(wide - shift), dims, true)) + shift;
  return cast(reshape(result, shape_without(x, dims, keepdim)), x.dtype());
}

TensorSpec op::Norm::check(const Tensor& x) const {
  if (std::isinf(p)) require_elements(name, x, dims);
  return check_reduction(name, Accepts::kFloating, Reduces::kToSame, x, dims, keepdim);
}

Tensor op::Norm::decompose(const Tensor& x) const {
  const Tensor wide = widen(x);
  const auto compute = [&] {
    if (p == 2) return sqrt(sum(square(wide), dims, keepdim));
    if (p == 0) return sum(cast(ne(wide, 0), wide.dtype()), dims, keepdim);
    if (std::isinf(p)) return p > 0 ? amax(abs(wide), dims, keepdim) : amin(abs(wide), dims, keepdim);
    return pow(sum(pow(abs(wide), p), dims, keepdim), 1 / p);
  };
  return cast(compute(), x.dtype());
}

// d|x|/dx (|x| / norm)^(p - 1)
Tensors op::Norm::vjp(const Backward& b) const {
  const Tensor& x = b.input(0);
  const Tensor g = unreduce(b.grad(), x, dims), norm = unreduce(b.output(), x, dims);
  if (p == 0) return {Tensor()};
  if (std::isinf(p)) {
    const Tensor chosen = cast(eq(abs(x), norm), x.dtype());
    return {sign(x) * chosen * (g / sum(chosen, dims, true))};
  }
  const Tensor safe = masked_fill(norm, eq(norm, 0), 1);
  if (p == 2) return {x / safe * g};
  const Tensor absolute = abs(x);
  return {masked_fill(sign(x) * pow(absolute / safe, p - 1), eq(absolute, 0), 0) * g};
}

Tensor sum(const Tensor& x, const Shape& dims, bool keepdim) { return reduce<op::Sum>(x, dims, keepdim); }
Tensor mean(const Tensor& x, const Shape& dims, bool keepdim) { return reduce<op::Mean>(x, dims, keepdim); }
Tensor prod(const Tensor& x, const Shape& dims, bool keepdim) { return reduce<op::Prod>(x, dims, keepdim); }
Tensor any(const Tensor& x, const Shape& dims, bool keepdim) { return reduce<op::Any>(x, dims, keepdim); }
Tensor all(const Tensor& x, const Shape& dims, bool keepdim) { return reduce<op::All>(x, dims, keepdim); }
Tensor amax(const Tensor& x, const Shape& dims, bool keepdim) { return reduce<op::Amax>(x, dims, keepdim); }
Tensor amin(const Tensor& x, const Shape& dims, bool keepdim) { return reduce<op::Amin>(x, dims, keepdim); }

Tensor argmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return reduce<op::ArgMax>(x, as_list(dim), keepdim);
}

Tensor argmin(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return reduce<op::ArgMin>(x, as_list(dim), keepdim);
}

namespace {

Extreme at_index(const Tensor& x, int64_t dim, bool keepdim, const Tensor& indices) {
  const Extreme extreme{gather(x, dim, indices), indices};
  return keepdim || x.dim() == 0 ? extreme : Extreme{squeeze(extreme.values, dim), squeeze(indices, dim)};
}

}  // namespace

Extreme max(const Tensor& x, int64_t dim, bool keepdim) { return at_index(x, dim, keepdim, argmax(x, dim, true)); }
Extreme min(const Tensor& x, int64_t dim, bool keepdim) { return at_index(x, dim, keepdim, argmin(x, dim, true)); }

Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim) { return reduce<op::LogSumExp>(x, dims, keepdim); }

Tensor var(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  return apply(op::Var{normalize_dims(dims, x.dim(), "var"), correction, keepdim}, x);
}

Tensor standard_deviation(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  return sqrt(var(x, dims, correction, keepdim));
}

Tensor norm(const Tensor& x, double p, const Shape& dims, bool keepdim) {
  return apply(op::Norm{p, normalize_dims(dims, x.dim(), "norm"), keepdim}, x);
}

namespace {

using Reduction = Tensor (*)(const Tensor&, const Shape&, bool);

std::vector<Sample> floating_samples(Reduction function, bool smooth) {
  const auto over = [function](Shape dims, bool keepdim) {
    return [=](std::span<const Tensor> in) -> Tensors { return {function(in[0], dims, keepdim)}; };
  };
  return {{"all", {sample_values({3, 5})}, over({}, false), smooth},
          {"last", {sample_values({2, 3, 37})}, over({-1}, false), smooth},
          {"first, kept", {sample_values({5, 3})}, over({0}, true), smooth},
          {"middle", {sample_values({2, 5, 3})}, over({1}, false), smooth},
          {"first and last", {sample_values({2, 3, 4})}, over({0, 2}, false), smooth},
          {"no dimensions", {sample_values({})}, over({}, false), smooth},
          {"empty result", {sample_values({0, 3})}, over({1}, false), smooth}};
}

template <class Op>
void add_reduction(OpTable& table, Reduction function, bool smooth = true, bool integers = true) {
  table.add<Op>([=] {
    std::vector<Sample> samples = floating_samples(function, smooth);
    if (!integers) return samples;
    const auto call = [function](std::span<const Tensor> in) -> Tensors { return {function(in[0], {0}, false)}; };
    samples.push_back({"integers", {sample_indices({6, 3}, 3)}, call, false});
    return samples;
  });
}

template <class Op>
void add_index(OpTable& table, Tensor (*function)(const Tensor&, std::optional<int64_t>, bool)) {
  table.add<Op>([=]() -> std::vector<Sample> {
    const auto over = [function](std::optional<int64_t> dim, bool keepdim) {
      return [=](std::span<const Tensor> in) -> Tensors { return {function(in[0], dim, keepdim)}; };
    };
    return {{"all", {sample_values({3, 5})}, over({}, false), false},
            {"last", {sample_values({3, 5})}, over(-1, false), false},
            {"first, kept", {sample_values({3, 5})}, over(0, true), false},
            {"ties", {sample_indices({4, 9}, 3)}, over(1, false), false}};
  });
}

}  // namespace

void register_reduce(OpTable& table) {
  add_reduction<op::Sum>(table, sum);
  add_reduction<op::Mean>(table, mean, true, false);
  add_reduction<op::Prod>(table, prod);
  add_reduction<op::Amax>(table, amax);
  add_reduction<op::Amin>(table, amin);
  add_reduction<op::Any>(table, any, false);
  add_reduction<op::All>(table, all, false);
  add_index<op::ArgMax>(table, argmax);
  add_index<op::ArgMin>(table, argmin);
  const Reduction unbiased = [](const Tensor& x, const Shape& dims, bool keepdim) { return var(x, dims, 0, keepdim); };
  const Reduction euclidean = [](const Tensor& x, const Shape& dims, bool keepdim) {
    return norm(x, 2, dims, keepdim);
  };
  add_reduction<op::Var>(table, unbiased, true, false);
  add_reduction<op::LogSumExp>(table, logsumexp, true, false);
  table.add<op::Norm>([euclidean] {
    std::vector<Sample> samples = floating_samples(euclidean, true);
    for (const double p : std::vector<double>{0, 1, 3, INFINITY, -INFINITY}) {
      const auto call = [p](std::span<const Tensor> in) -> Tensors { return {norm(in[0], p, {0})}; };
      samples.push_back({fmt::format("p = {}", p), {sample_values({4, 3})}, call, p != 0});
    }
    return samples;
  });
}

}  // namespace imago
