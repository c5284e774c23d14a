// One optimizer step: the passes of its batches, forward and backward, and the gradients made ready.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "imago/autograd/activation_file.h"
#include "imago/nn/numpy_generator.h"
#include "imago/nn/torch_generator.h"
#include "imago/train/loss_scale.h"
#include "imago/train/metrics.h"
#include "imago/train/objective.h"
#include "imago/train/trained_weights.h"
#include "imago/train/training_arguments.h"

namespace imago {

class TrainingStep {
 public:
  // `loss_chunk` see RunOptions.
  TrainingStep(Model& model, TrainedWeights& weights, const Objective& objective, const TrainingArguments& arguments,
               int64_t loss_chunk);

  struct Result {
    double loss = 0;       // over all batches, weighted by their items
    double grad_norm = 0;  // before clipping
    bool skipped = false;  // float16 overflowed: the gradients are of no use, and the loss scale was lowered
  };

  struct MicroBatch {
    TensorMap tensors;
    bool counts = true;  // false: the pass is made, for other processes' sake, and its rows are another one's
  };

  // Leaves the clipped gradients on the parameters. `step` counts from 1, for errors. `between` is called behind each
  // batch but the last. Throws Error kInvalidArgument where no label counts, and where loss or gradient are not finite.
  Result run(std::vector<MicroBatch> batches, const std::vector<NamedParameter>& parameters, int64_t step,
             const std::function<void()>& between);

  // The mean loss of a batch without gradients; metrics see what the model gives for it.
  double evaluate(const TensorMap& batch, const std::vector<Metric*>& metrics) const;

  // What drops and noises are drawn from.
  TorchGenerator& generator() { return generator_; }
  NumpyGenerator& numpy_generator() { return numpy_generator_; }
  LossScale& loss_scale() { return loss_scale_; }

 private:
  double accumulate(const TensorMap& batch, double weight, int64_t step);
  bool unscale(const std::vector<NamedParameter>& parameters) const;

  Model& model_;
  TrainedWeights& weights_;
  const Objective& objective_;
  TrainingArguments arguments_;
  RunOptions options_;
  std::optional<DType> half_;
  TorchGenerator generator_;
  NumpyGenerator numpy_generator_;  // of what the reference draws from there
  LossScale loss_scale_;
  std::unique_ptr<ActivationFile> activations_;  // null where they stay in memory
};

}  // namespace imago
