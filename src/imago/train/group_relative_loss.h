// GRPO (Shao et al. 2024, "DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models"), with
// the loss of DAPO (Yu et al. 2025): every token of a step counts alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "imago/generation/generation_config.h"
#include "imago/tokenizers/pretrained_tokenizer.h"
#include "imago/train/chat_dataset.h"
#include "imago/train/objective.h"

namespace imago {

// What was answered to the prompt of a row.
struct Completion {
  int64_t row;  // of the data
  std::vector<int64_t> prompt_ids, ids;
  std::string text;  // of ids, without special tokens
};

// How good each answer is.
using RewardFunction = std::function<std::vector<double>(const std::vector<Completion>& completions)>;

// Sees each batch's answers and their rewards.
using CompletionLog =
    std::function<void(const std::vector<Completion>& completions, const std::vector<double>& rewards)>;

struct GroupRelativeOptions {
  int64_t num_generations = 8;  // answers to each prompt
  double beta = 0;              // of the divergence from the reference model; 0 needs none
  bool scale_rewards = true;    // by their deviation among a prompt's answers
  CompletionLog log;            // may be empty
  GenerationConfig generation;  // how answers are sampled; its seed is drawn anew for each batch
};

// A batch is of prompts: input_ids and attention_mask [P, T], padded to the left, and row [P]. Before its loss is
// taken, the model answers each prompt several times; an answer's advantage is its reward less the mean of its
// prompt's. The loss of a token is -advantage times its probability over the one that it was sampled with, whose
// gradient is the policy's (one step is taken for each batch of answers, so that no ratio is ever clipped).
class GroupRelativeLoss final : public Objective {
 public:
  // `as_reference` see PreferenceLoss; used where beta is not 0.
  using AsReference = std::function<Tensor(const std::function<Tensor(const Model&)>&)>;
  GroupRelativeLoss(const PretrainedTokenizer& tokenizer, GroupRelativeOptions options, RewardFunction reward,
                    AsReference as_reference = {});

  bool prepares() const override { return true; }
  TensorMap prepare(const Model& model, const TensorMap& prompts, TorchGenerator& generator) const override;
  Tensor loss(const Model& model, const TensorMap& batch, const RunOptions& options) const override;
  int64_t items(const Model& model, const TensorMap& batch) const override;  // tokens of answers
  std::map<std::string, double> take_metrics() const override;               // reward, reward_std, completion_length

 private:
  struct Sums {
    double reward = 0, deviation = 0, length = 0;
    int64_t completions = 0, prompts = 0;
  };

  const PretrainedTokenizer& tokenizer_;
  GroupRelativeOptions options_;
  RewardFunction reward_;
  AsReference as_reference_;
  mutable Sums sums_;
};

// The advantage of each answer, of groups of `size` that stand one behind the other.
std::vector<double> group_advantages(const std::vector<double>& rewards, int64_t size, bool scale);

// Rows with a "prompt" (text or conversation) as examples of input_ids and row. Throws Error kInvalidFile for a row
// without one, and for a prompt of more than max_length tokens.
MemoryDataset prompt_dataset(const std::vector<Row>& rows, const ChatTokenizer& tokenizer, int64_t max_length);

// The data's rows judged by what they say: "exact_match" and "contains" against the text in `column`, or "regex", which
// `pattern` must match a whole answer. 1 or 0. Throws Error kUnsupported for another name.
RewardFunction rule_reward(const std::string& name, const std::vector<Row>& rows, const std::string& column,
                           const std::string& pattern);
// The score that a reward model (see RewardLoss) gives the prompt with its answer.
RewardFunction model_reward(std::shared_ptr<const Model> model);

}  // namespace imago
