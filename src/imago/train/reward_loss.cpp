#include "imago/train/reward_loss.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/activations.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/train/data_collator.h"

namespace imago {

Tensor RewardLoss::loss(const Model& model, const TensorMap& batch, const RunOptions& options) const {
  TensorMap arguments = batch;
  arguments.erase("margin");
  const Tensor logits = model.run(arguments, options).at("logits");
  if (logits.dim() != 2 || logits.size(1) != 1) {
    throw Error(ErrorKind::kInvalidArgument, "reward",
                "the model gives " + logits.describe() + ", not a score per text", "give it one label");
  }
  const int64_t pairs = logits.size(0) / 2;
  const Tensor scores = widen(reshape(logits, {-1}));
  Tensor better = narrow(scores, 0, 0, pairs) - narrow(scores, 0, pairs, pairs);
  if (const auto margin = batch.find("margin"); margin != batch.end()) better = better - margin->second;
  return mean(nn::softplus(neg(better)));  // -log sigmoid(better)
}

int64_t RewardLoss::items(const Model&, const TensorMap& batch) const { return batch.at("input_ids").size(0) / 2; }

MemoryDataset reward_dataset(const std::vector<Row>& rows, const ChatTokenizer& tokenizer, int64_t max_length) {
  std::vector<TensorMap> examples;
  for (const Row& row : rows) {
    TensorMap example;
    for (const std::string side : {"chosen", "rejected"}) {
      if (!row.values.contains(side)) {
        throw Error(ErrorKind::kInvalidFile, row.where, "a pair has a chosen and a rejected answer");
      }
      const Json& answer = row.values.at(side);
      MaskedTokens tokens;
      if (row.values.contains("prompt")) {
        tokens = tokenizer.prompt_and_completion(row.values.at("prompt"), answer, row.where);
      } else {
        tokens = tokenizer.tokens({{{answer.is_array() ? "messages" : "text", answer}}, row.where});
      }
      if (static_cast<int64_t>(tokens.ids.size()) > max_length) {
        throw Error(ErrorKind::kInvalidFile, row.where,
                    fmt::format("the {} answer has {} tokens, more than max_length", side, tokens.ids.size()),
                    "raise max_length, or leave the row out");
      }
      example[side + "_ids"] = Tensor::from(tokens.ids);
    }
    if (row.values.contains("margin")) example["margin"] = Tensor::scalar(row.values.at("margin").get<double>());
    examples.push_back(std::move(example));
  }
  return MemoryDataset(std::move(examples));
}

TensorMap collate_rewards(std::span<const TensorMap> examples, int64_t pad_token_id) {
  std::vector<TensorMap> rows;
  std::vector<float> margins;
  for (const std::string side : {"chosen", "rejected"}) {
    for (const TensorMap& example : examples) rows.push_back({{"input_ids", example.at(side + "_ids")}});
  }
  for (const TensorMap& example : examples) {
    if (example.contains("margin")) margins.push_back(example.at("margin").item<float>());
  }
  TensorMap batch = data_collator_with_padding({.pad_token_id = pad_token_id})(rows);
  if (!margins.empty() && margins.size() != examples.size()) {
    throw Error(ErrorKind::kInvalidArgument, "reward", "some pairs have a margin, and some have none");
  }
  if (!margins.empty()) batch["margin"] = Tensor::from(margins);
  return batch;
}

}  // namespace imago
