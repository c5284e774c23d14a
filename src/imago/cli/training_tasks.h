// What `imago train` can train: each task makes a model and examples of the run file's arguments.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "imago/auto/auto_model.h"
#include "imago/peft/adapters.h"
#include "imago/tokenizers/pretrained_tokenizer.h"
#include "imago/train/trainer.h"

namespace imago::cli {

// What a run file says beside the training arguments. The names are those of the reference's examples and of TRL.
struct TrainingData {
  std::string model_name_or_path, task = "causal-lm", train_file, text_column = "text", label_column = "label",
                                  image_column = "image", audio_column = "audio";
  std::optional<std::string> validation_file, source_column, target_column;
  int64_t block_size = 512;   // causal-lm: tokens of an example
  int64_t max_length = 1024;  // others: tokens at most
  bool assistant_only_loss = false;
  std::optional<bool> completion_only_loss;
  std::optional<double> beta;  // dpo (0.1 where absent) and grpo (0)
  double mlm_probability = 0.15;
  // seq2seq: evaluations have the model write, and measure its texts.
  bool predict_with_generate = false;
  std::optional<int64_t> generation_max_length, generation_num_beams;
  bool packing = false;                // sft: several examples in a row of max_length tokens
  bool streaming = false;              // causal-lm and sft: rows are read as they are needed; needs max_steps
  int64_t shuffle_buffer_size = 1000;  // rows that are read ahead and drawn from; 0 keeps the file's order
  // grpo. reward is exact_match or contains (the text in answer_column), regex (reward_pattern) or model
  // (reward_model).
  int64_t num_generations = 8, max_completion_length = 256;
  double temperature = 1, top_p = 1;
  int64_t top_k = 0;
  std::string reward = "exact_match", answer_column = "answer", reward_pattern, reward_model;
  bool scale_rewards = true, log_completions = false;  // the latter into completions.jsonl
  FIELDS(model_name_or_path, task, train_file, text_column, label_column, image_column, audio_column, validation_file,
         source_column, target_column, block_size, max_length, assistant_only_loss, completion_only_loss, beta,
         mlm_probability, predict_with_generate, generation_max_length, generation_num_beams, packing, streaming,
         shuffle_buffer_size, num_generations, max_completion_length, temperature, top_p, top_k, reward, answer_column,
         reward_pattern, reward_model, scale_rewards, log_completions)
};

// A task made ready.
struct TrainingTask {
  std::string task_type;  // PEFT's
  std::unique_ptr<Model> model;
  std::unique_ptr<Dataset> train, validation;
  DataCollator collator;
  std::unique_ptr<Objective> objective;  // null: the model's own loss
  std::vector<std::unique_ptr<Metric>> metrics;
  int64_t tokens_per_example = 0;
  std::unique_ptr<Model> reference;  // dpo and grpo without an adapter
  int64_t rows_per_prompt = 1;       // grpo: per_device_train_batch_size counts answers, of which a prompt has several
  std::unique_ptr<PretrainedTokenizer> tokenizer;
};

std::vector<std::string> training_tasks();

// `seed` see TrainingContext. `adapters` is asked for when the task runs; null for none. The tokenizer is of the
// folder, where the task needs one. Throws Error kUnsupported for a task that is none, and what loading throws.
TrainingTask make_training_task(const TrainingData& data, const std::string& folder, const std::string& output_dir,
                                DType dtype, uint64_t seed, bool with_adapter,
                                const std::unique_ptr<peft::Adapters>& adapters);

}  // namespace imago::cli
