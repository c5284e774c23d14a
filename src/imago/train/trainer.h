// Training, as the reference's Trainer does it.
//
//   auto model = imago::AutoModelForCausalLM::from_pretrained("path-or-id");
//   imago::TrainingArguments arguments;
//   arguments.output_dir = "out";
//   imago::Trainer trainer(*model, arguments, {.train_dataset = &dataset,
//                                              .data_collator = imago::data_collator_for_language_modeling({})});
//   trainer.train();
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "imago/train/batch_plan.h"
#include "imago/train/data_collator.h"
#include "imago/train/dataset.h"
#include "imago/train/learning_rate_schedule.h"
#include "imago/train/metrics.h"
#include "imago/train/objective.h"
#include "imago/train/optimizer.h"
#include "imago/train/trained_weights.h"
#include "imago/train/trainer_callback.h"
#include "imago/train/training_arguments.h"
#include "imago/train/training_step.h"

namespace imago {

// What a trainer is given must outlive it.
struct TrainerOptions {
  const Dataset* train_dataset = nullptr;
  const Dataset* eval_dataset = nullptr;
  DataCollator data_collator = default_data_collator;
  std::vector<TrainerCallback*> callbacks;
  TrainedWeights* weights = nullptr;         // what is trained; null: the whole model
  const Objective* objective = nullptr;      // null: the model's own loss
  std::vector<Metric*> metrics;              // of evaluations, beside the loss
  int64_t loss_chunk = 0;                    // see RunOptions
  std::vector<std::string> companion_files;  // copied into each checkpoint: tokenizer.json, ...
};

struct TrainOutput {
  int64_t global_step = 0;
  double training_loss = 0;  // the mean over the steps of this call
};

struct PredictionOutput {
  std::vector<TensorMap> outputs;  // of each batch, what the model gave
  LogEntry metrics;                // test_loss and the metrics' values as test_<name>
};

class Trainer {
 public:
  // Throws Error kInvalidArgument or kUnsupported for arguments that contradict each other, and for a model that does
  // not train as the reference's does: with dropout that it does not compute, or with trained weights that are not
  // float32.
  Trainer(Model& model, const TrainingArguments& arguments, TrainerOptions options);

  // `resume_from_checkpoint` is a folder that this trainer wrote, or "last" for the latest one in output_dir, if there
  // is one; the losses and weights are then bitwise those of a run that never stopped.
  // Batches count by their labels (of causal language models by the tokens that are predicted), so that accumulated
  // batches make the step of one large batch. Throws Error kInvalidArgument in the step whose loss or gradient is not
  // finite, naming where it first appears.
  TrainOutput train(const std::string& resume_from_checkpoint = {});

  // eval_loss over the eval_dataset, the mean over its examples, and the metrics' values as eval_<name>.
  LogEntry evaluate();

  // What the model gives for examples with labels, in their order, in batches of per_device_eval_batch_size.
  PredictionOutput predict(const Dataset& test_dataset);

  // What is trained, and the companion files.
  void save_model(const std::string& folder);

  const TrainerState& state() const { return state_; }

 private:
  void start(BatchPlan& plan, const std::string& resume_from_checkpoint);
  void make_optimizer(int64_t max_steps);
  TrainingStep::Result step(const std::vector<std::vector<int64_t>>& batches);
  std::vector<TrainingStep::MicroBatch> own_share(const std::vector<std::vector<int64_t>>& batches) const;
  void agree();
  bool is_first() const;
  LogEntry evaluate(const Dataset& dataset, const std::string& prefix, std::vector<Metric*> metrics);
  TensorMap collate(const Dataset& dataset, const std::vector<int64_t>& indices) const;
  void decide(bool epoch_ends);
  void log_evaluate_save(const TrainingStep::Result& result);
  bool note_best(const LogEntry& metrics);  // whether it is the best so far
  void log(LogEntry entry);
  void save_checkpoint();
  void rotate();
  void resume(const std::string& folder, const BatchPlan& plan);
  void call(void (TrainerCallback::*hook)(const TrainerCallback::Run&));
  double learning_rate() const;

  Model& model_;
  TrainingArguments arguments_;
  TrainerOptions options_;
  std::unique_ptr<TrainedWeights> whole_model_;
  ModelLoss model_loss_;
  TrainedWeights& weights_;
  TrainingStep training_step_;
  TrainerState state_;
  TrainerControl control_;
  std::vector<NamedParameter> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  LearningRateSchedule schedule_;
  double loss_since_log_ = 0;
  int64_t logged_step_ = 0;
};

}  // namespace imago
