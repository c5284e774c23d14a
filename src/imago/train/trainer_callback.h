// The hooks of a training run, under the reference's names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "imago/train/training_arguments.h"

namespace imago {

// What was logged at a step: loss, grad_norm, learning_rate, eval_loss, epoch, step, ...
using LogEntry = std::map<std::string, double, std::less<>>;

struct TrainerState {
  int64_t global_step = 0, max_steps = 0;  // optimizer steps
  double epoch = 0;
  std::vector<LogEntry> log_history;
  std::optional<double> best_metric;  // of the evaluations so far, as metric_for_best_model says
  int64_t best_global_step = 0;       // when it was; 0 before
};

// A hook may set these; each is acted upon, and cleared, after the step.
struct TrainerControl {
  bool should_training_stop = false, should_epoch_stop = false;
  bool should_save = false, should_evaluate = false, should_log = false;
};

class TrainerCallback {
 public:
  virtual ~TrainerCallback() = default;

  struct Run {
    const TrainingArguments& args;
    const TrainerState& state;
    TrainerControl& control;
  };

  virtual void on_init_end(const Run&) {}  // the trainer is made
  virtual void on_train_begin(const Run&) {}
  virtual void on_epoch_begin(const Run&) {}
  virtual void on_step_begin(const Run&) {}
  virtual void on_substep_end(const Run&) {}         // behind each batch of an accumulation but the last
  virtual void on_pre_optimizer_step(const Run&) {}  // gradients are clipped
  virtual void on_optimizer_step(const Run&) {}      // weights are moved, gradients still there
  virtual void on_step_end(const Run&) {}
  virtual void on_epoch_end(const Run&) {}
  virtual void on_log(const Run&, const LogEntry&) {}
  virtual void on_evaluate(const Run&, const LogEntry&) {}
  virtual void on_prediction_step(const Run&) {}  // behind each batch of an evaluation or a prediction
  virtual void on_predict(const Run&, const LogEntry&) {}
  virtual void on_save(const Run&, const std::string& /*folder*/) {}
  virtual void on_train_end(const Run&) {}

  // What a callback keeps between steps, by name, so that a run that is resumed goes on with it.
  virtual std::map<std::string, double> saved_state() const { return {}; }
  virtual void load_state(const std::map<std::string, double>& /*state*/) {}
  // Under which it is saved; empty for a callback that keeps nothing.
  virtual std::string state_name() const { return {}; }
};

}  // namespace imago
