// What a training run is told, under the names and with the defaults of the reference's TrainingArguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/tensor/fields.h"

namespace imago {

struct TrainingArguments {
  std::string output_dir = "trainer_output";

  int64_t per_device_train_batch_size = 8, per_device_eval_batch_size = 8;
  int64_t gradient_accumulation_steps = 1;
  double num_train_epochs = 3;
  int64_t max_steps = -1;  // optimizer steps; above 0 it counts instead of the epochs

  double learning_rate = 5e-5, weight_decay = 0, max_grad_norm = 1;  // max_grad_norm 0 does not clip
  double adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8;
  std::string optim = "adamw_torch";      // or another of optimizer_names() (imago/train/make_optimizer.h)
  std::optional<std::string> optim_args;  // "momentum=0.9,nesterov=False", of muon
  std::string lr_scheduler_type = "linear";
  JsonText lr_scheduler_kwargs;
  double warmup_steps = 0;  // below 1 a part of all steps

  // "no", "steps" or "epoch"; save_strategy also "best", behind an evaluation that is the best so far. Steps below 1
  // are parts of all steps.
  std::string logging_strategy = "steps", save_strategy = "steps", eval_strategy = "no";
  double logging_steps = 500, save_steps = 500;
  std::optional<double> eval_steps;  // none: logging_steps
  bool logging_first_step = false;
  std::vector<std::string> report_to;       // "tensorboard"; the program has a log.jsonl in any case
  std::optional<int64_t> save_total_limit;  // older checkpoints are removed
  bool save_only_model = false;             // such a checkpoint cannot be resumed

  // Of the evaluations' metrics the one that says which checkpoint is best; "loss" where a best one is to be loaded
  // and none is named. greater_is_better: none means unless it is a loss.
  std::optional<std::string> metric_for_best_model;
  std::optional<bool> greater_is_better;
  bool load_best_model_at_end = false;  // the best checkpoint is never removed

  // The model computes in this type, with values rounded from float32 parameters; float16 with a scaled loss, whose
  // steps that overflow are skipped.
  bool bf16 = false, fp16 = false;
  bool gradient_checkpointing = false;  // activations are computed again rather than kept
  bool activation_offloading = false;   // of TRL: what is kept then waits in a file in output_dir
  double label_smoothing_factor = 0;
  std::optional<double> neftune_noise_alpha;

  int64_t seed = 42;
  std::optional<int64_t> data_seed;                // of the examples' order; none: seed
  std::string train_sampling_strategy = "random";  // or "sequential"
  bool dataloader_drop_last = false;

  FIELDS(output_dir, per_device_train_batch_size, per_device_eval_batch_size, gradient_accumulation_steps,
         num_train_epochs, max_steps, learning_rate, weight_decay, max_grad_norm, adam_beta1, adam_beta2, adam_epsilon,
         optim, optim_args, lr_scheduler_type, lr_scheduler_kwargs, warmup_steps, logging_strategy, save_strategy,
         eval_strategy, logging_steps, save_steps, eval_steps, logging_first_step, report_to, save_total_limit,
         save_only_model, metric_for_best_model, greater_is_better, load_best_model_at_end, bf16, fp16,
         gradient_checkpointing, activation_offloading, label_smoothing_factor, neftune_noise_alpha, seed, data_seed,
         train_sampling_strategy, dataloader_drop_last)

  // Throws Error kUnsupported naming an argument that is not a field, and what validate throws.
  static TrainingArguments from_json(const Json& json, std::string_view where);

  // The name in the evaluations' metrics of what metric_for_best_model says; empty for none.
  std::string best_metric() const;
  bool best_is_greatest() const;

  // Throws Error kInvalidArgument or kUnsupported for a value that cannot be followed.
  void validate() const;
};

}  // namespace imago
