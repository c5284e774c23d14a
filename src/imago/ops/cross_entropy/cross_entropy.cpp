#include "imago/ops/cross_entropy/cross_entropy.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scatter/scatter.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago {
namespace {

DType loss_dtype(const Tensor& logits, bool in_float) {
  return in_float && size_of(logits.dtype()) < size_of(DType::f32) ? DType::f32 : logits.dtype();
}

TensorSpec check_rows(const char* name, const Tensor& logits, const Tensor& target, double label_smoothing,
                      bool in_float) {
  require_floating(name, "logits", logits);
  require_dims(name, "logits", logits, 2);
  require_index(name, "target", target);
  require_shape(name, "target", target, {logits.size(0)});
  if (!(label_smoothing >= 0 && label_smoothing <= 1)) {
    throw Error(ErrorKind::kInvalidArgument, name, fmt::format("label_smoothing {} is not in [0, 1]", label_smoothing));
  }
  return {{logits.size(0)}, loss_dtype(logits, in_float)};
}

// Classes [rows, 1], with class 0 in place of those to ignore, and which those are [rows, 1].
struct Targets {
  Tensor classes, ignored;
};

Targets targets(const Tensor& target, int64_t ignore_index) {
  const Tensor column = unsqueeze(cast(target, DType::i64), 1);
  const Tensor ignored = eq(column, static_cast<double>(ignore_index));
  return {masked_fill(column, ignored, 0), ignored};
}

}  // namespace

TensorSpec op::CrossEntropy::check(const Tensor& logits, const Tensor& target) const {
  return check_rows(name, logits, target, label_smoothing, in_float);
}

Tensor op::CrossEntropy::decompose(const Tensor& logits, const Tensor& target) const {
  const DType dtype = loss_dtype(logits, in_float);
  if (logits.numel() == 0) return Tensor::zeros({logits.size(0)}, dtype, logits.device());
  const Targets t = targets(target, ignore_index);
  const Tensor log_probabilities = log_softmax(widen(logits), -1);
  Tensor loss = -gather(log_probabilities, 1, t.classes);
  if (label_smoothing > 0) {
    loss = loss * (1 - label_smoothing) - mean(log_probabilities, {1}, true) * label_smoothing;
  }
  return cast(squeeze(masked_fill(loss, t.ignored, 0), 1), dtype);
}

Tensors op::CrossEntropy::vjp(const Backward& b) const {
  return {apply(op::CrossEntropyGrad{ignore_index, label_smoothing, in_float}, b.input(0), b.input(1), b.grad()), {}};
}

TensorSpec op::CrossEntropyGrad::check(const Tensor& logits, const Tensor& target, const Tensor& grad) const {
  const DType dtype = check_rows(name, logits, target, label_smoothing, in_float).dtype;
  require_shape(name, "grad", grad, {logits.size(0)});
  if (grad.dtype() != dtype) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("grad is {}, and the losses are {}", grad.describe(), to_string(dtype)));
  }
  return {logits.shape(), logits.dtype()};
}

// (softmax(logits) - smoothed target) * grad
Tensor op::CrossEntropyGrad::decompose(const Tensor& logits, const Tensor& target, const Tensor& grad) const {
  if (logits.numel() == 0) return logits;
  const Targets t = targets(target, ignore_index);
  const Tensor g = masked_fill(unsqueeze(widen(grad), 1), t.ignored, 0);
  const double uniform = label_smoothing / static_cast<double>(logits.size(1));
  const Tensor rest = (softmax(widen(logits), -1) - uniform) * g;
  return cast(scatter_add(rest, 1, t.classes, g * (label_smoothing - 1)), logits.dtype());
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options) {
  constexpr const char* kName = op::CrossEntropy::name;
  require_defined(kName, "logits", logits);
  require_defined(kName, "target", target);
  if (options.reduction != "mean" && options.reduction != "sum" && options.reduction != "none") {
    throw Error(ErrorKind::kInvalidArgument, kName, fmt::format("reduction is \"{}\"", options.reduction),
                "use \"mean\", \"sum\" or \"none\"");
  }
  // Classes last: [batch, classes, ...] is seen as rows of logits.
  Tensor rows = logits.dim() == 1 ? unsqueeze(logits, 0) : logits;
  if (rows.dim() > 2) {
    Shape dims = {0};
    for (int d = 2; d < rows.dim(); ++d) dims.push_back(d);
    dims.push_back(1);
    const Tensor moved = permute(rows, dims);
    require_shape(kName, "target", target, moved.shape().sub(0, moved.dim() - 1));
    rows = reshape(moved, {target.numel(), logits.size(1)});
  }
  const Tensor flat_target = target.dim() == 1 ? target : reshape(target, {target.numel()});
  const op::CrossEntropy op{options.ignore_index, options.label_smoothing, options.in_float};
  const Tensor loss = apply(op, rows, flat_target);
  if (options.reduction == "none") return reshape(loss, target.shape());
  const Tensor total = sum(widen(loss));
  if (options.reduction == "sum") return cast(total, loss.dtype());
  const Tensor counted = ne(flat_target, static_cast<double>(options.ignore_index));
  return cast(total / sum(cast(counted, total.dtype())), loss.dtype());
}

namespace {

std::vector<Sample> loss_samples() {
  const auto call = [](CrossEntropyOptions options) {
    return [options](std::span<const Tensor> in) -> Tensors { return {cross_entropy(in[0], in[1], options)}; };
  };
  const Tensor logits = sample_values({4, 7}, -5, 5), some_ignored = Tensor::from<int64_t>({3, -100, 0, -100});
  return {
      {"mean", {logits, sample_indices({4}, 7)}, call({})},
      {"ignored targets", {logits, some_ignored}, call({})},
      {"sum, int32", {logits, Tensor::from<int32_t>({1, 6, 1, 0})}, call({-100, 0, "sum"})},
      {"none, ignore_index 2", {logits, Tensor::from<int64_t>({2, 6, 1, 2})}, call({2, 0, "none"})},
      {"label smoothing", {logits, some_ignored}, call({-100, 0.1, "mean"})},
      {"in float", {logits, some_ignored}, call({-100, 0.1, "none", true})},
      {"one row", {sample_values({7}), sample_indices({}, 7)}, call({})},
      {"images", {sample_values({2, 5, 3, 2}), sample_indices({2, 3, 2}, 5)}, call({})},
      {"no rows", {sample_values({0, 5}), sample_indices({0}, 5)}, call({-100, 0, "none"})},
  };
}

}  // namespace

void register_cross_entropy(OpTable& table) {
  table.add<op::CrossEntropy>(loss_samples);
  table.add<op::CrossEntropyGrad>([]() -> std::vector<Sample> {
    const auto call = [](double label_smoothing) {
      return [label_smoothing](std::span<const Tensor> in) -> Tensors {
        return {apply(op::CrossEntropyGrad{-100, label_smoothing}, in[0], in[1], in[2])};
      };
    };
    const Tensors inputs = {sample_values({3, 5}), Tensor::from<int64_t>({4, -100, 0}), sample_values({3}, -1, 1, 2)};
    return {{"plain", inputs, call(0)}, {"label smoothing", inputs, call(0.2)}};
  });
}

}  // namespace imago
