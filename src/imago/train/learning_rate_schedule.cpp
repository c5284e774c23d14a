#include "imago/train/learning_rate_schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <string>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

constexpr double kPi = std::numbers::pi;

[[noreturn]] void refuse(std::string_view what, std::string_view hint) {
  throw Error(ErrorKind::kInvalidArgument, "lr_scheduler_kwargs", std::string(what), std::string(hint));
}

// lr_scheduler_kwargs as they are taken out one by one; finish() refuses what nobody asked for.
class Arguments {
 public:
  Arguments(std::string_view type, const ScheduleSteps& steps, const Json& kwargs)
      : type_(type), steps_(steps), kwargs_(kwargs) {
    if (!kwargs.is_null() && !kwargs.is_object()) refuse("is not an object", "write {\"num_cycles\": 2}, for example");
  }

  double warmup() const { return static_cast<double>(need(steps_.num_warmup_steps, "num_warmup_steps")); }
  double training() const { return static_cast<double>(need(steps_.num_training_steps, "num_training_steps")); }
  double lr() const { return steps_.lr; }

  std::optional<double> number(const char* name) {
    const Json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number() || value->is_boolean()) refuse(fmt::format("{} is not a number", name), "give a number");
    return value->get<double>();
  }
  std::string word(const char* name, const char* fallback, const std::set<std::string>& words) {
    const Json* value = find(name);
    if (value == nullptr) return fallback;
    if (!value->is_string() || !words.contains(value->get<std::string>())) {
      refuse(fmt::format("{} is not one of {}", name, fmt::join(words, ", ")), "take one of them");
    }
    return value->get<std::string>();
  }
  // The reference takes one of an absolute and a relative floor.
  double min_lr_rate() {
    const std::optional<double> min_lr = number("min_lr"), rate = number("min_lr_rate");
    if (min_lr.has_value() == rate.has_value()) {
      refuse(fmt::format("{} needs one of min_lr and min_lr_rate", type_), "set one of the two");
    }
    return rate ? *rate : *min_lr / steps_.lr;
  }

  void finish() const {
    for (const auto& [key, value] : kwargs_.items()) {
      if (!taken_.contains(key)) refuse(fmt::format("{} has no argument {}", type_, key), "leave it out");
    }
  }

 private:
  const Json* find(const char* name) {
    taken_.insert(name);
    if (!kwargs_.is_object()) return nullptr;
    const auto found = kwargs_.find(name);
    return found == kwargs_.end() || found->is_null() ? nullptr : &*found;
  }
  int64_t need(const std::optional<int64_t>& count, const char* name) const {
    if (!count)
      throw Error(ErrorKind::kInvalidArgument, std::string(type_), fmt::format("{} is missing", name), "set it");
    return *count;
  }

  std::string_view type_;
  const ScheduleSteps& steps_;
  const Json& kwargs_;
  std::set<std::string> taken_;
};

using Factor = std::function<double(double)>;

// A linear rise to 1 over the warm-up, then what `after` says.
Factor warmed_up(double warmup, Factor after) {
  return [=](double step) { return step < warmup ? step / std::max(1.0, warmup) : after(step); };
}

double waves(double num_cycles, double progress) { return 0.5 * (1.0 + std::cos(kPi * num_cycles * 2.0 * progress)); }

Factor constant(Arguments&) {
  return [](double) { return 1.0; };
}

Factor constant_with_warmup(Arguments& arguments) {
  return warmed_up(arguments.warmup(), [](double) { return 1.0; });
}

Factor linear(Arguments& arguments) {
  const double warmup = arguments.warmup(), training = arguments.training();
  return warmed_up(warmup,
                   [=](double step) { return std::max(0.0, (training - step) / std::max(1.0, training - warmup)); });
}

Factor cosine_to(Arguments& arguments, double floor) {
  const double warmup = arguments.warmup(), training = arguments.training();
  const double num_cycles = arguments.number("num_cycles").value_or(0.5);
  return warmed_up(warmup, [=](double step) {
    const double progress = (step - warmup) / std::max(1.0, training - warmup);
    return std::max(0.0, waves(num_cycles, progress) * (1 - floor) + floor);
  });
}

Factor cosine(Arguments& arguments) { return cosine_to(arguments, 0.0); }

Factor cosine_with_min_lr(Arguments& arguments) { return cosine_to(arguments, arguments.min_lr_rate()); }

Factor cosine_with_restarts(Arguments& arguments) {
  const double warmup = arguments.warmup(), training = arguments.training();
  const double num_cycles = arguments.number("num_cycles").value_or(1);
  return warmed_up(warmup, [=](double step) {
    const double progress = (step - warmup) / std::max(1.0, training - warmup);
    if (progress >= 1.0) return 0.0;
    return std::max(0.0, waves(0.5, std::fmod(num_cycles * progress, 1.0)));
  });
}

// Counts steps from one, so that neither the first step nor the last is wasted on a rate of nothing.
Factor cosine_warmup_with_min_lr(Arguments& arguments) {
  const double warmup = arguments.warmup(), training = arguments.training();
  const double num_cycles = arguments.number("num_cycles").value_or(0.5), floor = arguments.min_lr_rate();
  const std::optional<double> warmup_lr_rate = arguments.number("warmup_lr_rate");
  return [=](double step) {
    if (step < warmup && !warmup_lr_rate) return (step + 1.0) / std::max(1.0, warmup);
    if (step < warmup) return *warmup_lr_rate + (1.0 - *warmup_lr_rate) * step / std::max(1.0, warmup - 1);
    const double progress = (step - warmup + 1.0) / std::max(1.0, training - warmup);
    return std::max(0.0, waves(num_cycles, progress) * (1 - floor) + floor);
  };
}

Factor polynomial(Arguments& arguments) {
  const double warmup = arguments.warmup(), training = arguments.training(), lr = arguments.lr();
  const double lr_end = arguments.number("lr_end").value_or(1e-7), power = arguments.number("power").value_or(1.0);
  if (!(lr > lr_end))
    refuse(fmt::format("lr_end {} is not below the initial learning rate {}", lr_end, lr), "lower it");
  return warmed_up(warmup, [=](double step) {
    if (step > training) return lr_end / lr;
    const double remaining = 1 - (step - warmup) / (training - warmup);
    return ((lr - lr_end) * std::pow(remaining, power) + lr_end) / lr;
  });
}

Factor inverse_sqrt(Arguments& arguments) {
  const double warmup = arguments.warmup();
  const double timescale = arguments.number("timescale").value_or(warmup > 0 ? warmup : 10'000);
  return warmed_up(warmup, [=](double step) { return 1.0 / std::sqrt((step + timescale - warmup) / timescale); });
}

// How far from 0 to 1 a phase of warmup_stable_decay has come that is called `type`.
double rise(const std::string& type, double progress, double num_cycles) {
  if (type == "linear") return progress;
  if (type == "cosine") return 0.5 * (1.0 - std::cos(kPi * num_cycles * 2.0 * progress));
  return 1.0 - std::sqrt(1.0 - progress);
}

Factor warmup_stable_decay(Arguments& arguments) {
  const std::set<std::string> shapes = {"linear", "cosine", "1-sqrt"};
  const double warmup = arguments.warmup();
  const std::optional<double> decay = arguments.number("num_decay_steps");
  if (!decay) refuse("warmup_stable_decay needs num_decay_steps", "set it");
  const std::optional<double> stable_steps = arguments.number("num_stable_steps");
  const double stable = stable_steps ? *stable_steps : arguments.training() - warmup - *decay;
  const double floor = arguments.number("min_lr_ratio").value_or(0.0);
  const double num_cycles = arguments.number("num_cycles").value_or(0.5);
  const std::string warmup_type = arguments.word("warmup_type", "linear", shapes);
  const std::string decay_type = arguments.word("decay_type", "cosine", shapes);
  return [=, decay = *decay](double step) {
    const auto above_floor = [&](double factor) { return std::max(0.0, factor * (1.0 - floor) + floor); };
    if (step < warmup) return above_floor(rise(warmup_type, step / std::max(1.0, warmup), 0.5));
    if (step < warmup + stable) return 1.0;
    if (step >= warmup + stable + decay) return floor;
    const double progress = (step - warmup - stable) / std::max(1.0, decay);
    if (decay_type == "cosine") return above_floor(waves(num_cycles, progress));
    return above_floor(decay_type == "linear" ? 1.0 - progress : 1.0 - std::sqrt(progress));
  };
}

const std::map<std::string_view, Factor (*)(Arguments&)>& schedules() {
  static const std::map<std::string_view, Factor (*)(Arguments&)> table = {
      {"constant", constant},
      {"constant_with_warmup", constant_with_warmup},
      {"cosine", cosine},
      {"cosine_warmup_with_min_lr", cosine_warmup_with_min_lr},
      {"cosine_with_min_lr", cosine_with_min_lr},
      {"cosine_with_restarts", cosine_with_restarts},
      {"inverse_sqrt", inverse_sqrt},
      {"linear", linear},
      {"polynomial", polynomial},
      {"warmup_stable_decay", warmup_stable_decay},
  };
  return table;
}

}  // namespace

LearningRateSchedule learning_rate_schedule(std::string_view type, const ScheduleSteps& steps, const Json& kwargs) {
  const auto found = schedules().find(type);
  if (found == schedules().end()) {
    throw Error(ErrorKind::kUnsupported, "lr_scheduler_type", fmt::format("{} is not known", type),
                fmt::format("take one of {}", fmt::join(learning_rate_schedule_types(), ", ")));
  }
  Arguments arguments(type, steps, kwargs);
  Factor factor = found->second(arguments);
  arguments.finish();
  return [factor = std::move(factor)](int64_t step) { return factor(static_cast<double>(step)); };
}

std::vector<std::string_view> learning_rate_schedule_types() {
  std::vector<std::string_view> types;
  for (const auto& [type, make] : schedules()) types.push_back(type);
  return types;
}

}  // namespace imago
