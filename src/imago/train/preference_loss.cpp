#include "imago/train/preference_loss.h"

#include <algorithm>
#include <limits>
#include <map>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/activations.h"
#include "imago/nn/losses.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/cross_entropy/cross_entropy.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/data_collator.h"

namespace imago {
namespace {

// The log probability of each row's answer [2 B].
Tensor log_probabilities(const Model& model, const TensorMap& batch, const RunOptions& options) {
  TensorMap arguments = batch;
  arguments.erase("labels");
  const Tensor logits = model.run(arguments, options).at("logits");
  const Tensor labels = nn::next_token_labels(batch.at("labels"));
  const Tensor losses = cross_entropy(reshape(logits, {-1, logits.size(-1)}), reshape(labels, {-1}),
                                      {.ignore_index = nn::kIgnoredLabel, .reduction = "none", .in_float = true});
  return neg(sum(reshape(losses, labels.shape()), {1}));
}

Tensor log_ratio(const Tensor& log_probability) {
  const int64_t pairs = log_probability.size(0) / 2;
  return narrow(log_probability, 0, 0, pairs) - narrow(log_probability, 0, pairs, pairs);
}

std::vector<int64_t> masked(const MaskedTokens& tokens) {
  std::vector<int64_t> labels = tokens.ids;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (tokens.learned[i] == 0) labels[i] = nn::kIgnoredLabel;
  }
  return labels;
}

}  // namespace

Tensor PreferenceLoss::loss(const Model& model, const TensorMap& batch, const RunOptions& options) const {
  if (options.loss_chunk > 0) throw Error(ErrorKind::kUnsupported, "dpo", "a loss in chunks", "leave loss_chunk at 0");
  Tensor reference;
  {
    const NoGrad no_grad;
    reference =
        as_reference_([&](const Model& other) { return log_ratio(log_probabilities(other, batch, options)).detach(); });
  }
  const Tensor x = (log_ratio(log_probabilities(model, batch, options)) - reference) * beta_;
  return mean(nn::softplus(neg(x)));  // -log sigmoid(x)
}

int64_t PreferenceLoss::items(const Model&, const TensorMap& batch) const { return batch.at("input_ids").size(0) / 2; }

MemoryDataset preference_dataset(const std::vector<Row>& rows, const ChatTokenizer& tokenizer, int64_t max_length) {
  std::vector<TensorMap> examples;
  for (const Row& row : rows) {
    TensorMap example;
    std::map<std::string, MaskedTokens> sides;
    size_t border = std::numeric_limits<size_t>::max();  // where the first of both answers begins
    for (const std::string side : {"chosen", "rejected"}) {
      if (!row.values.contains("prompt") || !row.values.contains(side)) {
        throw Error(ErrorKind::kInvalidFile, row.where, "a pair has a prompt, a chosen and a rejected answer");
      }
      MaskedTokens tokens = tokenizer.prompt_and_completion(row.values.at("prompt"), row.values.at(side), row.where);
      const auto first = std::find(tokens.learned.begin(), tokens.learned.end(), 1);
      border = std::min(border, static_cast<size_t>(first - tokens.learned.begin()));
      sides[side] = std::move(tokens);
    }
    for (auto& [side, tokens] : sides) {
      for (size_t i = border; i < tokens.learned.size(); ++i) tokens.learned[i] = 1;
      const size_t limit = std::min(tokens.ids.size(), static_cast<size_t>(max_length));
      tokens.ids.resize(limit);
      tokens.learned.resize(limit);
      if (std::count(tokens.learned.begin(), tokens.learned.end(), 1) == 0) {
        throw Error(ErrorKind::kInvalidFile, row.where, "nothing is left of the " + side + " answer",
                    "raise max_length, or leave the row out");
      }
      example[side + "_ids"] = Tensor::from(tokens.ids);
      example[side + "_labels"] = Tensor::from(masked(tokens));
    }
    examples.push_back(std::move(example));
  }
  return MemoryDataset(std::move(examples));
}

TensorMap collate_preferences(std::span<const TensorMap> examples, int64_t pad_token_id) {
  std::vector<TensorMap> rows;
  for (const std::string side : {"chosen", "rejected"}) {
    for (const TensorMap& example : examples) {
      rows.push_back({{"input_ids", example.at(side + "_ids")}, {"labels", example.at(side + "_labels")}});
    }
  }
  return data_collator_with_padding({.pad_token_id = pad_token_id})(rows);
}

}  // namespace imago
