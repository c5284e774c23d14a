#include "imago/train/group_relative_loss.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/generation/generate.h"
#include "imago/nn/losses.h"
#include "imago/nn/torch_generator.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/cross_entropy/cross_entropy.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/peft/module_selection.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/data_collator.h"

namespace imago {
namespace {

constexpr const char* kWhere = "grpo";

// The log probability of each token with a label, 0 elsewhere: [B, T].
Tensor token_log_probabilities(const Model& model, const TensorMap& batch, const RunOptions& options) {
  const TensorMap arguments = {{"input_ids", batch.at("input_ids")}, {"attention_mask", batch.at("attention_mask")}};
  const Tensor logits = model.run(arguments, options).at("logits");
  const Tensor labels = nn::next_token_labels(batch.at("labels"));
  const Tensor losses = cross_entropy(reshape(logits, {-1, logits.size(-1)}), reshape(labels, {-1}),
                                      {.ignore_index = nn::kIgnoredLabel, .reduction = "none", .in_float = true});
  return neg(reshape(losses, labels.shape()));
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

std::pair<double, double> mean_and_deviation(const double* values, int64_t count) {
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) mean += values[i] / static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) squares += (values[i] - mean) * (values[i] - mean);
  return {mean, count > 1 ? std::sqrt(squares / static_cast<double>(count - 1)) : 0};
}

}  // namespace

std::vector<double> group_advantages(const std::vector<double>& rewards, int64_t size, bool scale) {
  std::vector<double> advantages;
  for (size_t first = 0; first < rewards.size(); first += static_cast<size_t>(size)) {
    const auto [mean, deviation] = mean_and_deviation(&rewards[first], size);
    for (size_t i = first; i < first + static_cast<size_t>(size); ++i)
      advantages.push_back((rewards[i] - mean) / (scale ? deviation + 1e-4 : 1));
  }
  return advantages;
}

GroupRelativeLoss::GroupRelativeLoss(const PretrainedTokenizer& tokenizer, GroupRelativeOptions options,
                                     RewardFunction reward, AsReference as_reference)
    : tokenizer_(tokenizer),
      options_(std::move(options)),
      reward_(std::move(reward)),
      as_reference_(std::move(as_reference)) {
  if (options_.num_generations < 2) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("num_generations is {}", options_.num_generations),
                "answers are measured against each other: ask for 2 or more");
  }
  if (options_.beta != 0 && !as_reference_)
    throw Error(ErrorKind::kInvalidArgument, kWhere, "beta needs a reference model", "give one, or set beta to 0");
  options_.generation.num_return_sequences = options_.num_generations;
}

TensorMap GroupRelativeLoss::prepare(const Model& model, const TensorMap& prompts, TorchGenerator& generator) const {
  GenerationConfig config = options_.generation;
  config.seed = static_cast<int64_t>(generator.next64() >> 1);
  const Tensor &ids = prompts.at("input_ids"), &mask = prompts.at("attention_mask");
  const GenerationOutput output = generate(model, ids, mask, config);
  const std::vector<int64_t> rows = prompts.at("row").to_vector<int64_t>(), flat = ids.to_vector<int64_t>(),
                             seen = mask.to_vector<int64_t>();
  std::vector<Completion> completions;
  std::vector<TensorMap> examples;
  for (size_t i = 0; i < output.sequences.size(); ++i) {
    const size_t prompt = i / static_cast<size_t>(options_.num_generations);
    Completion completion{rows[prompt], {}, {}, {}};
    for (int64_t t = 0; t < ids.size(1); ++t) {
      const size_t place = prompt * static_cast<size_t>(ids.size(1)) + static_cast<size_t>(t);
      if (seen[place] != 0) completion.prompt_ids.push_back(flat[place]);
    }
    completion.ids.assign(output.sequences[i].begin() + output.prompt_length, output.sequences[i].end());
    completion.text = tokenizer_.decode(completion.ids);
    std::vector<int64_t> all = completion.prompt_ids, labels(all.size(), nn::kIgnoredLabel);
    all.insert(all.end(), completion.ids.begin(), completion.ids.end());
    labels.insert(labels.end(), completion.ids.begin(), completion.ids.end());
    examples.push_back({{"input_ids", Tensor::from(all)}, {"labels", Tensor::from(labels)}});
    completions.push_back(std::move(completion));
  }
  const std::vector<double> rewards = reward_(completions);
  if (options_.log) options_.log(completions, rewards);
  for (size_t first = 0; first < rewards.size(); first += static_cast<size_t>(options_.num_generations)) {
    const auto [mean, deviation] = mean_and_deviation(&rewards[first], options_.num_generations);
    sums_.reward += mean;
    sums_.deviation += deviation;
    ++sums_.prompts;
  }
  for (const Completion& completion : completions) {
    sums_.length += static_cast<double>(completion.ids.size());
    ++sums_.completions;
  }
  TensorMap batch = data_collator_with_padding({.pad_token_id = config.pad_token_id.value_or(0)})(examples);
  const std::vector<double> advantages = group_advantages(rewards, options_.num_generations, options_.scale_rewards);
  batch["advantages"] = cast(Tensor::from(advantages), DType::f32);
  return batch;
}

Tensor GroupRelativeLoss::loss(const Model& model, const TensorMap& batch, const RunOptions& options) const {
  if (options.loss_chunk > 0) throw Error(ErrorKind::kUnsupported, kWhere, "a loss in chunks", "leave loss_chunk at 0");
  const Tensor log_p = token_log_probabilities(model, batch, options);
  const Tensor learned =
      cast(ne(nn::next_token_labels(batch.at("labels")), static_cast<double>(nn::kIgnoredLabel)), log_p.dtype());
  Tensor losses = neg(exp(log_p - log_p.detach()) * unsqueeze(batch.at("advantages"), 1));
  if (options_.beta != 0) {
    Tensor reference;
    {
      const NoGrad no_grad;
      reference =
          as_reference_([&](const Model& other) { return token_log_probabilities(other, batch, options).detach(); });
    }
    const Tensor gap = reference - log_p;
    losses = losses + (exp(gap) - gap - 1) * options_.beta;
  }
  return sum(losses * learned) / static_cast<double>(items(model, batch));
}

int64_t GroupRelativeLoss::items(const Model&, const TensorMap& batch) const {
  return sum(ne(batch.at("labels"), static_cast<double>(nn::kIgnoredLabel))).item<int64_t>();
}

std::map<std::string, double> GroupRelativeLoss::take_metrics() const {
  const Sums sums = std::exchange(sums_, {});
  if (sums.prompts == 0) return {};
  const auto prompts = static_cast<double>(sums.prompts);
  return {{"reward", sums.reward / prompts},
          {"reward_std", sums.deviation / prompts},
          {"completion_length", sums.length / static_cast<double>(sums.completions)}};
}

MemoryDataset prompt_dataset(const std::vector<Row>& rows, const ChatTokenizer& tokenizer, int64_t max_length) {
  std::vector<TensorMap> examples;
  for (const Row& row : rows) {
    if (!row.values.contains("prompt")) throw Error(ErrorKind::kInvalidFile, row.where, "the row has no \"prompt\"");
    const std::vector<int64_t> ids = tokenizer.prompt(row.values.at("prompt"), row.where);
    if (ids.empty() || static_cast<int64_t>(ids.size()) > max_length) {
      throw Error(ErrorKind::kInvalidFile, row.where, fmt::format("the prompt has {} tokens", ids.size()),
                  "give 1 to max_length, or leave the row out");
    }
    examples.push_back(
        {{"input_ids", Tensor::from(ids)}, {"row", Tensor::scalar(static_cast<double>(examples.size()), DType::i64)}});
  }
  return MemoryDataset(std::move(examples));
}

RewardFunction rule_reward(const std::string& name, const std::vector<Row>& rows, const std::string& column,
                           const std::string& pattern) {
  if (name == "regex") {
    return [compiled = peft::Pattern(pattern, "reward_pattern")](const std::vector<Completion>& completions) {
      std::vector<double> rewards;
      for (const Completion& each : completions) rewards.push_back(compiled.matches_all_of(each.text) ? 1 : 0);
      return rewards;
    };
  }
  if (name != "exact_match" && name != "contains") {
    throw Error(ErrorKind::kUnsupported, kWhere, "there is no reward " + quote(name),
                "choose exact_match, contains, regex or model");
  }
  std::vector<std::string> answers;
  for (const Row& row : rows) answers.push_back(trimmed(text_at(row, column)));
  return [answers, exact = name == "exact_match"](const std::vector<Completion>& completions) {
    std::vector<double> rewards;
    for (const Completion& each : completions) {
      const std::string& answer = answers.at(static_cast<size_t>(each.row));
      const bool good = exact ? trimmed(each.text) == answer : each.text.find(answer) != std::string::npos;
      rewards.push_back(good ? 1 : 0);
    }
    return rewards;
  };
}

RewardFunction model_reward(std::shared_ptr<const Model> model) {
  return [model = std::move(model)](const std::vector<Completion>& completions) {
    const NoGrad no_grad;
    std::vector<double> rewards;
    for (const Completion& each : completions) {
      std::vector<int64_t> ids = each.prompt_ids;
      ids.insert(ids.end(), each.ids.begin(), each.ids.end());
      const int64_t length = static_cast<int64_t>(ids.size());
      const Tensor logits = model
                                ->run({{"input_ids", Tensor::from(ids, {1, length})},
                                       {"attention_mask", Tensor::ones({1, length}, DType::i64)}})
                                .at("logits");
      rewards.push_back(logits.item<double>());
    }
    return rewards;
  };
}

}  // namespace imago
