#include "imago/train/training_step.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/autograd/backward.h"
#include "imago/autograd/rematerialize.h"
#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/noisy_embeddings.h"
#include "imago/train/non_finite.h"
#include "imago/train/optimizer.h"

namespace imago {
namespace {

// The model computes in a half type while one is alive.
class HalfPass {
 public:
  HalfPass(TrainedWeights& weights, std::optional<DType> dtype) : weights_(weights), on_(dtype.has_value()) {
    if (on_) weights_.begin_pass(*dtype);
  }
  ~HalfPass() {
    if (on_) weights_.end_pass();
  }
  HalfPass(const HalfPass&) = delete;
  HalfPass& operator=(const HalfPass&) = delete;

 private:
  TrainedWeights& weights_;
  bool on_;
};

std::optional<DType> half_of(const TrainingArguments& arguments) {
  if (arguments.bf16) return DType::bf16;
  if (arguments.fp16) return DType::f16;
  return std::nullopt;
}

}  // namespace

TrainingStep::TrainingStep(Model& model, TrainedWeights& weights, const Objective& objective,
                           const TrainingArguments& arguments, int64_t loss_chunk)
    : model_(model),
      weights_(weights),
      objective_(objective),
      arguments_(arguments),
      half_(half_of(arguments)),
      generator_(static_cast<uint64_t>(arguments.seed)) {
  options_.loss_chunk = loss_chunk;
  if (!arguments.fp16) loss_scale_.scale = 1;
}

TrainingStep::Result TrainingStep::run(const std::vector<TensorMap>& batches,
                                       const std::vector<NamedParameter>& parameters, int64_t step,
                                       const std::function<void()>& between) {
  int64_t items = 0, divisor = 0;
  for (const TensorMap& batch : batches) {
    items += objective_.items(model_, batch);
    divisor += objective_.divisor(model_, batch);
  }
  if (items == 0) {
    throw Error(ErrorKind::kInvalidArgument, "train", fmt::format("step {} has no label that counts", step),
                "every label is ignored or padding: look at the data collator and the lengths of the examples");
  }
  Result result;
  for (size_t i = 0; i < batches.size(); ++i) {
    const int64_t count = objective_.items(model_, batches[i]);
    if (count > 0) {
      result.loss += accumulate(batches[i], static_cast<double>(count) / static_cast<double>(divisor), step);
    }
    if (i + 1 < batches.size()) between();
  }
  if (arguments_.fp16) {
    const bool finite = std::isfinite(result.loss) && unscale(parameters);
    loss_scale_.update(finite);
    result.skipped = !finite;
    if (!finite) return result;
  }
  Tensors values;
  for (const NamedParameter& parameter : parameters) values.push_back(parameter.value);
  result.grad_norm = clip_grad_norm_(values, arguments_.max_grad_norm > 0 ? arguments_.max_grad_norm : HUGE_VAL);
  if (!std::isfinite(result.grad_norm)) throw_non_finite_gradient(parameters, step);
  return result;
}

double TrainingStep::accumulate(const TensorMap& batch, double weight, int64_t step) {
  const nn::TrainingMode training(generator_);
  const ActivationCheckpointing checkpointing(arguments_.gradient_checkpointing);
  const HalfPass half(weights_, half_);
  const NoisyEmbeddings noise(model_, arguments_.neftune_noise_alpha.value_or(0), generator_);
  const Tensor weighted = objective_.loss(model_, batch, options_) * weight;
  const double value = weighted.item<double>();
  if (!std::isfinite(value)) {
    // Float16 may overflow on the way to the loss; where no scale is left to lower, it is something else.
    if (!arguments_.fp16 || loss_scale_.scale < 1) throw_non_finite_loss(model_, batch, value, step);
    return value;
  }
  backward(arguments_.fp16 ? widen(weighted) * loss_scale_.scale : weighted);
  return value;
}

// Whether all gradients were finite; they are not divided where one was not.
bool TrainingStep::unscale(const std::vector<NamedParameter>& parameters) const {
  const NoGrad no_grad;
  for (const NamedParameter& parameter : parameters) {
    const Tensor gradient = parameter.value.grad();
    if (gradient.defined() && !std::isfinite(amax(abs(gradient)).item<double>())) return false;
  }
  for (const NamedParameter& parameter : parameters) {
    if (parameter.value.grad().defined()) parameter.value.set_grad(parameter.value.grad() / loss_scale_.scale);
  }
  return true;
}

double TrainingStep::evaluate(const TensorMap& batch, const std::vector<Metric*>& metrics) const {
  const NoGrad no_grad;
  const HalfPass half(weights_, half_);
  if (!metrics.empty()) {
    const TensorMap outputs = model_.run(batch);
    for (Metric* metric : metrics) metric->add(outputs, batch);
  }
  return objective_.loss(model_, batch, options_).item<double>();
}

}  // namespace imago
