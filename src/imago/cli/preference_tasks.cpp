// Tasks that learn from what is better and what is worse: DPO, reward models, GRPO.
#include <filesystem>
#include <fstream>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/cli/training_context.h"
#include "imago/train/group_relative_loss.h"
#include "imago/train/json_rows.h"
#include "imago/train/preference_loss.h"
#include "imago/train/reward_loss.h"

namespace imago::cli {
namespace {

// The model that training begins with: another copy of it, or itself without its adapter.
std::function<Tensor(const std::function<Tensor(const Model&)>&)> as_reference(TrainingTask& task,
                                                                               const TrainingContext& c) {
  if (!c.with_adapter) task.reference = c.load<AutoModelForCausalLM>();
  const Model* reference = task.reference.get();
  const Model* trained = task.model.get();
  const auto* adapters = &c.adapters;
  return [reference, trained, adapters](const std::function<Tensor(const Model&)>& compute) {
    if (reference != nullptr) return compute(*reference);
    const std::vector<std::string> active = (*adapters)->active();
    (*adapters)->set_active({});
    const Tensor found = compute(*trained);
    (*adapters)->set_active(active);
    return found;
  };
}

// A line for each answer, behind those of before.
CompletionLog completions_file(const std::string& folder) {
  return [path = folder + "/completions.jsonl"](const std::vector<Completion>& completions,
                                                const std::vector<double>& rewards) {
    std::filesystem::create_directories(std::filesystem::absolute(path).parent_path());
    std::ofstream file(path, std::ios::app);
    for (size_t i = 0; i < completions.size(); ++i) {
      const Completion& each = completions[i];
      const Json line = {{"row", each.row},
                         {"completion", each.text},
                         {"prompt_ids", each.prompt_ids},
                         {"completion_ids", each.ids},
                         {"reward", rewards[i]}};
      file << dump_json(line) << '\n';
    }
    if (!file.flush())
      throw Error(ErrorKind::kIo, path, "the answers cannot be written", "look at the space on the disk");
  };
}

}  // namespace

TrainingTask dpo_task(const TrainingContext& c) {
  TrainingTask task{.task_type = "CAUSAL_LM", .model = c.load<AutoModelForCausalLM>()};
  const ChatTokenizer tokenizer(c.folder, c.tokenizer, {.max_length = c.data.max_length});
  add_data(task, c, [&](const std::string& path) {
    return std::make_unique<MemoryDataset>(preference_dataset(read_rows(path), tokenizer, c.data.max_length));
  });
  task.collator = [pad = c.pad_token_id()](std::span<const TensorMap> examples) {
    return collate_preferences(examples, pad);
  };
  task.objective = std::make_unique<PreferenceLoss>(c.data.beta.value_or(0.1), as_reference(task, c));
  task.tokens_per_example = 2 * c.data.max_length;
  return task;
}

TrainingTask reward_task(const TrainingContext& c) {
  TrainingTask task{.task_type = "SEQ_CLS",
                    .model = classifier(c.new_head(), auto_class::kSequenceClassification, {"LABEL_0"}, "regression")};
  const ChatTokenizer tokenizer(c.folder, c.tokenizer, {.max_length = c.data.max_length + 1});
  add_data(task, c, [&](const std::string& path) {
    return std::make_unique<MemoryDataset>(reward_dataset(read_rows(path), tokenizer, c.data.max_length));
  });
  task.collator = [pad = c.pad_token_id()](std::span<const TensorMap> examples) {
    return collate_rewards(examples, pad);
  };
  task.objective = std::make_unique<RewardLoss>();
  task.tokens_per_example = 2 * c.data.max_length;
  return task;
}

TrainingTask grpo_task(const TrainingContext& c) {
  const TrainingData& d = c.data;
  if (d.validation_file) {
    throw Error(ErrorKind::kUnsupported, "grpo", "an evaluation: its loss says nothing of answers",
                "leave validation_file out; the reward is logged");
  }
  TrainingTask task{.task_type = "CAUSAL_LM", .model = c.load<AutoModelForCausalLM>()};
  const ChatTokenizer tokenizer(c.folder, c.tokenizer, {.max_length = d.max_length});
  const std::vector<Row> rows = read_rows(d.train_file);
  add_data(task, c, [&](const std::string&) {
    return std::make_unique<MemoryDataset>(prompt_dataset(rows, tokenizer, d.max_length));
  });
  task.collator = data_collator_with_padding({.pad_token_id = c.pad_token_id(), .left = true});
  GroupRelativeOptions options{.num_generations = d.num_generations,
                               .beta = d.beta.value_or(0),
                               .scale_rewards = d.scale_rewards,
                               .generation = GenerationConfig::from_pretrained(c.folder, task.model->config())};
  if (d.log_completions) options.log = completions_file(c.output_dir);
  options.generation.do_sample = true;
  options.generation.max_length.reset();
  options.generation.max_new_tokens = d.max_completion_length;
  options.generation.temperature = d.temperature;
  options.generation.top_p = d.top_p;
  options.generation.top_k = d.top_k;
  options.generation.pad_token_id = c.pad_token_id();
  if (options.generation.eos_token_id.empty() && c.tokenizer.eos_token_id())
    options.generation.eos_token_id = {*c.tokenizer.eos_token_id()};
  RewardFunction reward =
      d.reward == "model"
          ? model_reward(AutoModelForSequenceClassification::from_pretrained(d.reward_model, {.dtype = DType::f32}))
          : rule_reward(d.reward, rows, d.answer_column, d.reward_pattern);
  GroupRelativeLoss::AsReference reference;
  if (options.beta != 0) reference = as_reference(task, c);
  task.objective = std::make_unique<GroupRelativeLoss>(c.tokenizer, options, std::move(reward), std::move(reference));
  task.rows_per_prompt = d.num_generations;
  task.tokens_per_example = d.max_length + d.max_completion_length;
  return task;
}

}  // namespace imago::cli
