#include "imago/train/batch_plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/train/random_permutation.h"

namespace imago {
namespace {

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

BatchPlan::BatchPlan(const TrainingArguments& arguments, int64_t examples)
    : examples_(examples),
      batch_size_(arguments.per_device_train_batch_size),
      accumulation_(arguments.gradient_accumulation_steps),
      batches_per_epoch_(arguments.dataloader_drop_last ? examples / batch_size_ : divide_up(examples, batch_size_)),
      steps_per_epoch_(divide_up(batches_per_epoch_, accumulation_)),
      max_steps_(arguments.max_steps > 0 ? arguments.max_steps
                                         : static_cast<int64_t>(std::ceil(arguments.num_train_epochs *
                                                                          static_cast<double>(steps_per_epoch_)))),
      random_(arguments.train_sampling_strategy == "random"),
      seed_(static_cast<uint64_t>(arguments.data_seed.value_or(arguments.seed))) {
  if (batches_per_epoch_ == 0) {
    throw Error(ErrorKind::kInvalidArgument, "train",
                fmt::format("{} examples make no batch of {}", examples, batch_size_),
                "give more examples, or set dataloader_drop_last to false");
  }
}

void BatchPlan::order(int64_t epoch) {
  if (ordered_epoch_ == epoch) return;
  order_ = random_permutation(examples_, seed_ + static_cast<uint64_t>(epoch));
  ordered_epoch_ = epoch;
}

std::vector<std::vector<int64_t>> BatchPlan::batches(int64_t step) {
  if (random_) order(step / steps_per_epoch_);
  const int64_t first = step % steps_per_epoch_ * accumulation_;
  const int64_t last = std::min(first + accumulation_, batches_per_epoch_);
  std::vector<std::vector<int64_t>> batches;
  for (int64_t batch = first; batch < last; ++batch) {
    std::vector<int64_t>& rows = batches.emplace_back();
    for (int64_t i = batch * batch_size_; i < std::min((batch + 1) * batch_size_, examples_); ++i) {
      rows.push_back(random_ ? order_[static_cast<size_t>(i)] : i);
    }
  }
  return batches;
}

double BatchPlan::epoch_after(int64_t steps) const {
  const int64_t whole = steps / steps_per_epoch_, batches = steps % steps_per_epoch_ * accumulation_;
  return static_cast<double>(whole) + static_cast<double>(batches) / static_cast<double>(batches_per_epoch_);
}

}  // namespace imago
