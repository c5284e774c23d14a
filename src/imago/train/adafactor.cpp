#include "imago/train/adafactor.h"

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/unary/unary.h"

namespace imago {
namespace {

double root_mean_square(const Tensor& x) { return norm(x).item<double>() / std::sqrt(static_cast<double>(x.numel())); }

Tensor moved_mean(const Tensor& mean, const Tensor& value, double beta2) {
  return mean.defined() ? mean * beta2 + value * (1 - beta2) : value * (1 - beta2);
}

}  // namespace

Adafactor::Adafactor(std::vector<ParameterGroup> groups, AdafactorOptions options)
    : Optimizer(std::move(groups)), options_(options) {
  if (options.warmup_init && !options.relative_step) {
    throw Error(ErrorKind::kInvalidArgument, "adafactor", "warmup_init needs relative_step", "set both or neither");
  }
}

double Adafactor::learning_rate(const Tensor& parameter, const ParameterGroup& group, int64_t step) const {
  double lr = group.lr;
  if (options_.relative_step) {
    const double count = static_cast<double>(step);
    lr = std::min(options_.warmup_init ? 1e-6 * count : 1e-2, 1.0 / std::sqrt(count));
  }
  return options_.scale_parameter ? lr * std::max(options_.eps2, root_mean_square(parameter)) : lr;
}

// The gradient over the root of the running mean of its square; that mean is an outer product for a matrix.
Tensor Adafactor::scaled(const Tensor& gradient, double beta2, State& state) const {
  const Tensor squared = square(gradient) + options_.eps1;
  if (gradient.dim() < 2) {
    Tensor& mean_square = state.tensors["exp_avg_sq"];
    mean_square = moved_mean(mean_square, squared, beta2);
    return rsqrt(mean_square) * gradient;
  }
  Tensor& row = state.tensors["exp_avg_sq_row"];
  Tensor& column = state.tensors["exp_avg_sq_col"];
  row = moved_mean(row, mean(squared, {-1}, true), beta2);
  column = moved_mean(column, mean(squared, {-2}, true), beta2);
  return rsqrt(row / mean(row, {-2}, true)) * rsqrt(column) * gradient;
}

Tensor Adafactor::update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) {
  const double lr = learning_rate(parameter, group, state.step);
  const double beta2 = 1.0 - std::pow(static_cast<double>(state.step), options_.decay_rate);
  Tensor change = scaled(gradient, beta2, state);
  change = change / std::max(1.0, root_mean_square(change) / options_.clip_threshold) * lr;
  if (options_.beta1) {
    Tensor& exp_avg = kept(state, "exp_avg", parameter);
    exp_avg = exp_avg * *options_.beta1 + change * (1 - *options_.beta1);
    change = exp_avg;
  }
  return parameter - parameter * (group.weight_decay * lr) - change;
}

}  // namespace imago
