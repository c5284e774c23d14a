#include "imago/train/learning_rate_schedule.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/train/reduce_lr_on_plateau.h"

namespace imago {
namespace {

using testing::HasSubstr;

Json reference() { return read_json(IMAGO_SOURCE_DIR "/src/imago/train/testdata/schedules.json"); }

std::optional<int64_t> count(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<int64_t>());
}

std::string message(std::string_view type, const ScheduleSteps& steps, const Json& kwargs) {
  try {
    learning_rate_schedule(type, steps, kwargs);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(LearningRateSchedule, EveryTypeGivesTheReferencesRates) {
  const Json cases = reference();
  std::set<std::string> seen;
  for (const Json& expected : cases["schedules"]) {
    const ScheduleSteps steps{cases["lr"].get<double>(), count(expected["num_warmup_steps"]),
                              count(expected["num_training_steps"])};
    const std::string type = expected["type"].get<std::string>();
    const LearningRateSchedule schedule = learning_rate_schedule(type, steps, expected["kwargs"]);
    seen.insert(type);
    for (size_t step = 0; step < expected["lr"].size(); ++step) {
      // The reference multiplies in Python's floats, which are ours.
      EXPECT_NEAR(steps.lr * schedule(static_cast<int64_t>(step)), expected["lr"][step].get<double>(), 1e-18)
          << type << dump_json(expected["kwargs"]) << " step " << step;
    }
  }
  EXPECT_EQ(seen.size(), learning_rate_schedule_types().size()) << "a type has no case";
}

TEST(LearningRateSchedule, APlateauLowersTheRateAsInTorch) {
  const Json cases = reference();
  for (const Json& expected : cases["plateaus"]) {
    ReduceLROnPlateau schedule(cases["lr"].get<double>(), ReduceLROnPlateauOptions::from_json(expected["kwargs"]));
    for (size_t i = 0; i < expected["metrics"].size(); ++i) {
      EXPECT_DOUBLE_EQ(schedule.step(expected["metrics"][i].get<double>()), expected["lr"][i].get<double>())
          << dump_json(expected["kwargs"]) << " evaluation " << i;
    }
  }
}

TEST(LearningRateSchedule, WhatIsNotUnderstoodIsRefused) {
  const ScheduleSteps steps{1e-3, 0, 10};
  EXPECT_THAT(message("greedy", steps, {}), HasSubstr("greedy is not known"));
  EXPECT_THAT(message("linear", {1e-3, 0, std::nullopt}, {}), HasSubstr("num_training_steps is missing"));
  EXPECT_THAT(message("cosine", steps, {{"cycles", 2}}), HasSubstr("no argument cycles"));
  EXPECT_THAT(message("cosine", steps, {{"num_cycles", "2"}}), HasSubstr("not a number"));
  EXPECT_THAT(message("cosine_with_min_lr", steps, {}), HasSubstr("one of min_lr and min_lr_rate"));
  EXPECT_THAT(message("polynomial", steps, {{"lr_end", 1.0}}), HasSubstr("not below"));
  EXPECT_THAT(message("warmup_stable_decay", steps, {{"num_decay_steps", 2}, {"decay_type", "cubic"}}),
              HasSubstr("decay_type is not one of"));
  EXPECT_THROW(ReduceLROnPlateauOptions::from_json({{"mode", "middle"}}), Error);
}

}  // namespace
}  // namespace imago
