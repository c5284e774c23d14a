// Which examples make up which step of a training run. It follows from the arguments and the step's number alone, so
// that a run that is resumed goes on where it stopped.
#pragma once

#include <cstdint>
#include <vector>

#include "imago/train/training_arguments.h"

namespace imago {

class BatchPlan {
 public:
  // Throws Error kInvalidArgument when `examples` do not make a batch.
  BatchPlan(const TrainingArguments& arguments, int64_t examples);

  int64_t batches_per_epoch() const { return batches_per_epoch_; }
  int64_t steps_per_epoch() const { return steps_per_epoch_; }  // optimizer steps
  int64_t max_steps() const { return max_steps_; }              // of the whole run

  // The indices of the batches that optimizer step `step` (the first is 0) accumulates. Those behind the last whole
  // accumulation of an epoch make a smaller step.
  std::vector<std::vector<int64_t>> batches(int64_t step);

  // How many epochs are done after `steps` optimizer steps.
  double epoch_after(int64_t steps) const;

 private:
  void order(int64_t epoch);

  int64_t examples_, batch_size_, accumulation_, batches_per_epoch_, steps_per_epoch_, max_steps_;
  bool random_;
  uint64_t seed_;
  int64_t ordered_epoch_ = -1;
  std::vector<int64_t> order_;
};

}  // namespace imago
