#include "imago/train/reduce_lr_on_plateau.h"

#include <fmt/format.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

[[noreturn]] void refuse(const std::string& what, const char* hint) {
  throw Error(ErrorKind::kInvalidArgument, "reduce_lr_on_plateau", what, hint);
}

}  // namespace

ReduceLROnPlateauOptions ReduceLROnPlateauOptions::from_json(const Json& kwargs) {
  ReduceLROnPlateauOptions options;
  for (const auto& [key, value] : kwargs.items()) {
    const auto number = [&, &key = key, &value = value] {
      if (!value.is_number()) refuse(fmt::format("{} is not a number", key), "give a number");
      return value.template get<double>();
    };
    const auto chooses = [&, &key = key, &value = value](const char* yes, const char* no) {
      if (value != yes && value != no) refuse(fmt::format("{} is neither {} nor {}", key, yes, no), "take one of them");
      return value == yes;
    };
    if (key == "mode")
      options.maximize = chooses("max", "min");
    else if (key == "threshold_mode")
      options.relative = chooses("rel", "abs");
    else if (key == "factor")
      options.factor = number();
    else if (key == "patience")
      options.patience = static_cast<int64_t>(number());
    else if (key == "threshold")
      options.threshold = number();
    else if (key == "cooldown")
      options.cooldown = static_cast<int64_t>(number());
    else if (key == "min_lr")
      options.min_lr = number();
    else if (key == "eps")
      options.eps = number();
    else
      refuse(fmt::format("there is no argument {}", key), "leave it out");
  }
  return options;
}

ReduceLROnPlateau::ReduceLROnPlateau(double lr, ReduceLROnPlateauOptions options)
    : options_(options),
      lr_(lr),
      best_(options.maximize ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity()) {
  if (!(options.factor < 1)) refuse(fmt::format("factor {} is not below 1", options.factor), "give one below 1");
}

double ReduceLROnPlateau::step(double metric) {
  if (is_better(metric)) {
    best_ = metric;
    bad_ = 0;
  } else {
    ++bad_;
  }
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_ = 0;
  }
  if (bad_ > options_.patience) {
    const double lower = std::max(lr_ * options_.factor, options_.min_lr);
    if (lr_ - lower > options_.eps) lr_ = lower;
    cooldown_left_ = options_.cooldown;
    bad_ = 0;
  }
  return lr_;
}

bool ReduceLROnPlateau::is_better(double metric) const {
  const double sign = options_.maximize ? 1 : -1;
  const double bar = options_.relative ? best_ * (1 + sign * options_.threshold) : best_ + sign * options_.threshold;
  return options_.maximize ? metric > bar : metric < bar;
}

}  // namespace imago
