#include "imago/train/training_step.h"

#include <fmt/core.h>

#include <cmath>
#include <filesystem>

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
#include "imago/train/parallel/parallel_weights.h"

namespace imago {
namespace {

// The model computes while one is alive.
class Pass {
 public:
  Pass(TrainedWeights& weights, std::optional<DType> dtype, bool alone = false) : weights_(weights) {
    if (alone && weights.parallel() != nullptr) {
      weights.parallel()->begin_alone(dtype);
    } else {
      weights.begin_pass(dtype);
    }
  }
  ~Pass() { weights_.end_pass(); }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

 private:
  TrainedWeights& weights_;
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
      generator_(static_cast<uint64_t>(arguments.seed)),
      numpy_generator_(static_cast<uint32_t>(arguments.seed)) {
  options_.loss_chunk = loss_chunk;
  if (arguments_.activation_offloading) {
    std::filesystem::create_directories(arguments_.output_dir);
    activations_ = std::make_unique<ActivationFile>(arguments_.output_dir);
  }
  if (!arguments.fp16) loss_scale_.scale = 1;
}

TrainingStep::Result TrainingStep::run(std::vector<MicroBatch> batches, const std::vector<NamedParameter>& parameters,
                                       int64_t step, const std::function<void()>& between) {
  ParallelWeights* const parallel = weights_.parallel();
  const bool shared = parallel != nullptr && parallel->shares_batches();
  if (objective_.prepares()) {
    const NoGrad no_grad;
    const Pass pass(weights_, half_, true);
    for (MicroBatch& batch : batches) batch.tensors = objective_.prepare(model_, batch.tensors, generator_);
  }
  int64_t items = 0, divisor = 0;
  for (const MicroBatch& batch : batches) {
    if (!batch.counts) continue;
    items += objective_.items(model_, batch.tensors);
    divisor += objective_.divisor(model_, batch.tensors);
  }
  if (shared) {
    items = parallel->communicator().all_reduce(items);
    divisor = parallel->communicator().all_reduce(divisor);
  }
  if (items == 0) {
    throw Error(ErrorKind::kInvalidArgument, "train", fmt::format("step {} has no label that counts", step),
                "every label is ignored or padding: look at the data collator and the lengths of the examples");
  }
  Result result;
  for (size_t i = 0; i < batches.size(); ++i) {
    const int64_t count = batches[i].counts ? objective_.items(model_, batches[i].tensors) : 0;
    if (count > 0 || (parallel != nullptr && parallel->passes_together())) {
      result.loss += accumulate(batches[i].tensors, static_cast<double>(count) / static_cast<double>(divisor), step);
    }
    if (i + 1 < batches.size()) between();
  }
  if (parallel != nullptr) parallel->reduce_gradients(parameters);
  if (shared) result.loss = parallel->communicator().all_reduce(result.loss);
  if (arguments_.fp16) {
    bool finite = std::isfinite(result.loss) && unscale(parameters);
    if (parallel != nullptr) finite = parallel->communicator().all_reduce(int64_t{finite ? 0 : 1}) == 0;
    loss_scale_.update(finite);
    result.skipped = !finite;
    if (!finite) return result;
  }
  Tensors values;
  for (const NamedParameter& parameter : parameters) values.push_back(parameter.value);
  result.grad_norm = grad_norm(parameters, parallel);
  if (arguments_.max_grad_norm > 0) clip_grads_with_norm_(values, arguments_.max_grad_norm, result.grad_norm);
  if (!std::isfinite(result.grad_norm)) throw_non_finite_gradient(parameters, step);
  return result;
}

double TrainingStep::accumulate(const TensorMap& batch, double weight, int64_t step) {
  const nn::TrainingMode training(generator_);
  const nn::NumpySource numpy(numpy_generator_);
  const ActivationCheckpointing checkpointing(arguments_.gradient_checkpointing, activations_.get());
  const Pass pass(weights_, half_);
  const NoisyEmbeddings noise(model_, arguments_.neftune_noise_alpha.value_or(0), generator_);
  const Tensor weighted = objective_.loss(model_, batch, options_) * weight;
  const double value = weighted.item<double>();
  bool finite = std::isfinite(value);
  // Where passes exchange tensors, so does the search for what is not finite.
  ParallelWeights* const parallel = weights_.parallel();
  if (parallel != nullptr && parallel->passes_together())
    finite = parallel->communicator().all_reduce(int64_t{finite ? 0 : 1}) == 0;
  if (!finite) {
    // Float16 may overflow on the way to the loss; where no scale is left to lower, it is something else.
    if (!arguments_.fp16 || loss_scale_.scale < 1) throw_non_finite_loss(model_, batch, value, step);
    return value;
  }
  const Tensor scaled = arguments_.fp16 ? widen(weighted) * loss_scale_.scale : weighted;
  parallel != nullptr ? parallel->backward(scaled) : backward(scaled);
  return value;
}

// Whether all gradients were finite; they are not divided where one was not.
bool TrainingStep::unscale(const std::vector<NamedParameter>& parameters) const {
  const NoGrad no_grad;
  for (const NamedParameter& parameter : parameters) {
    const Tensor gradient = parameter.value.grad();
    if (gradient.defined() && gradient.numel() > 0 && !std::isfinite(amax(abs(gradient)).item<double>())) return false;
  }
  for (const NamedParameter& parameter : parameters) {
    if (parameter.value.grad().defined()) parameter.value.set_grad(parameter.value.grad() / loss_scale_.scale);
  }
  return true;
}

double TrainingStep::evaluate(const TensorMap& batch, const std::vector<Metric*>& metrics) const {
  const NoGrad no_grad;
  const Pass pass(weights_, half_);
  if (!metrics.empty()) {
    const TensorMap outputs = run_batch(model_, batch);
    for (Metric* metric : metrics) metric->add(outputs, batch);
  }
  return objective_.loss(model_, batch, options_).item<double>();
}

}  // namespace imago
