// Learning rate schedules, under the reference's names and with its arithmetic.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "imago/base/json.h"

namespace imago {

// What the initial learning rate is multiplied by in optimizer step `step` (the first is 0).
using LearningRateSchedule = std::function<double(int64_t step)>;

struct ScheduleSteps {
  double lr = 5e-5;  // the initial learning rate, for schedules that end at an absolute one
  std::optional<int64_t> num_warmup_steps, num_training_steps;
};

// `type` is what TrainingArguments.lr_scheduler_type may be: constant, constant_with_warmup, linear, cosine,
// cosine_with_restarts, polynomial, inverse_sqrt, cosine_with_min_lr, cosine_warmup_with_min_lr, warmup_stable_decay.
// (reduce_lr_on_plateau follows a metric and not the step: see ReduceLROnPlateau.) `kwargs` is lr_scheduler_kwargs.
// Throws Error kUnsupported for another type, kInvalidArgument for an unknown, missing or ill-typed argument.
LearningRateSchedule learning_rate_schedule(std::string_view type, const ScheduleSteps& steps, const Json& kwargs);

// The types above, sorted.
std::vector<std::string_view> learning_rate_schedule_types();

}  // namespace imago
