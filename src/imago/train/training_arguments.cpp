#include "imago/train/training_arguments.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/read_fields.h"
#include "imago/train/learning_rate_schedule.h"
#include "imago/train/make_optimizer.h"

namespace imago {
namespace {

[[noreturn]] void refuse(ErrorKind kind, const std::string& what, std::string_view hint = {}) {
  throw Error(kind, "TrainingArguments", what, hint);
}

void expect_positive(const char* name, double value) {
  if (!(value > 0)) refuse(ErrorKind::kInvalidArgument, fmt::format("{} is {}, not above 0", name, value));
}

void expect_at_least_0(const char* name, double value) {
  if (!(value >= 0)) refuse(ErrorKind::kInvalidArgument, fmt::format("{} is {}, not at least 0", name, value));
}

void expect_one_of(const char* name, const std::string& value, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  std::string list;
  for (const std::string& each : known) list += fmt::format("{}{}", list.empty() ? "" : ", ", each);
  refuse(ErrorKind::kUnsupported, fmt::format("{} is \"{}\"", name, value), fmt::format("choose one of {}", list));
}

}  // namespace

TrainingArguments TrainingArguments::from_json(const Json& json, std::string_view where) {
  TrainingArguments arguments;
  const FieldsRead read = read_fields(json, arguments, where);
  if (!read.unknown.empty()) {
    throw Error(ErrorKind::kUnsupported, where,
                fmt::format("the training argument {} is not supported", read.unknown[0]),
                "remove it; the supported ones are those of TrainingArguments");
  }
  arguments.validate();
  return arguments;
}

std::string TrainingArguments::best_metric() const {
  if (!metric_for_best_model) return load_best_model_at_end ? "eval_loss" : "";
  return metric_for_best_model->starts_with("eval_") ? *metric_for_best_model : "eval_" + *metric_for_best_model;
}

bool TrainingArguments::best_is_greatest() const {
  return greater_is_better.value_or(!best_metric().ends_with("loss"));
}

void TrainingArguments::validate() const {
  if (output_dir.empty()) refuse(ErrorKind::kInvalidArgument, "output_dir is empty");
  expect_positive("per_device_train_batch_size", static_cast<double>(per_device_train_batch_size));
  expect_positive("per_device_eval_batch_size", static_cast<double>(per_device_eval_batch_size));
  expect_positive("gradient_accumulation_steps", static_cast<double>(gradient_accumulation_steps));
  if (max_steps <= 0) expect_positive("num_train_epochs", num_train_epochs);
  for (const auto& [name, value] : {std::pair{"learning_rate", learning_rate},
                                    {"weight_decay", weight_decay},
                                    {"max_grad_norm", max_grad_norm},
                                    {"warmup_steps", warmup_steps}}) {
    expect_at_least_0(name, value);
  }
  if (logging_strategy == "steps") expect_positive("logging_steps", logging_steps);
  if (save_strategy == "steps") expect_positive("save_steps", save_steps);
  if (eval_strategy == "steps") expect_positive("eval_steps", eval_steps.value_or(logging_steps));
  expect_one_of("logging_strategy", logging_strategy, {"no", "steps", "epoch"});
  expect_one_of("eval_strategy", eval_strategy, {"no", "steps", "epoch"});
  expect_one_of("save_strategy", save_strategy, {"no", "steps", "epoch", "best"});
  if (save_strategy == "best" && (best_metric().empty() || eval_strategy == "no")) {
    refuse(ErrorKind::kInvalidArgument, "save_strategy is \"best\" and nothing says which checkpoint is",
           "set metric_for_best_model and eval_strategy");
  }
  for (const std::string& where : report_to) expect_one_of("report_to", where, {"none", "tensorboard"});
  expect_one_of("optim", optim, optimizer_names());
  expect_one_of("train_sampling_strategy", train_sampling_strategy, {"random", "sequential"});
  if (!(label_smoothing_factor >= 0 && label_smoothing_factor < 1)) {
    refuse(ErrorKind::kInvalidArgument, fmt::format("label_smoothing_factor is {}", label_smoothing_factor));
  }
  if (bf16 && fp16) refuse(ErrorKind::kInvalidArgument, "bf16 and fp16 are both set", "choose one of them");
  if (activation_offloading && !gradient_checkpointing) {
    refuse(ErrorKind::kInvalidArgument, "activation_offloading without gradient_checkpointing", "set both");
  }
  if (neftune_noise_alpha) expect_at_least_0("neftune_noise_alpha", *neftune_noise_alpha);
  if (load_best_model_at_end && save_strategy != "best" &&
      (eval_strategy == "no" || save_strategy != eval_strategy ||
       (eval_strategy == "steps" && std::fmod(save_steps, eval_steps.value_or(logging_steps)) != 0))) {
    refuse(ErrorKind::kInvalidArgument, "load_best_model_at_end without an evaluation of each checkpoint",
           "give save_strategy and eval_strategy the same value, and save_steps a multiple of eval_steps");
  }
  if (save_total_limit) expect_positive("save_total_limit", static_cast<double>(*save_total_limit));
  if (const auto types = learning_rate_schedule_types();
      std::find(types.begin(), types.end(), lr_scheduler_type) == types.end()) {
    refuse(ErrorKind::kUnsupported, fmt::format("lr_scheduler_type is \"{}\"", lr_scheduler_type));
  }
}

}  // namespace imago
