// Reward modelling: a model with one score per text learns that a chosen answer is better than a rejected one (Bradley
// and Terry 1952; Ouyang et al. 2022).
#pragma once

#include "imago/train/chat_dataset.h"
#include "imago/train/objective.h"

namespace imago {

// A batch has the chosen answers' rows first and as many rejected ones' behind them: input_ids and attention_mask
// [2 B, T], perhaps margin [B]. The loss of a pair is -log sigmoid(chosen score - rejected score - margin).
class RewardLoss final : public Objective {
 public:
  Tensor loss(const Model& model, const TensorMap& batch, const RunOptions& options) const override;
  int64_t items(const Model& model, const TensorMap& batch) const override;  // pairs
};

// Rows with "chosen" and "rejected" (texts or conversations), perhaps a "prompt" before both and a "margin", as
// examples of chosen_ids, rejected_ids and margin. Throws what ChatTokenizer throws, and Error kInvalidFile for an
// answer that is longer than max_length.
MemoryDataset reward_dataset(const std::vector<Row>& rows, const ChatTokenizer& tokenizer, int64_t max_length);

// Batches of such examples as RewardLoss takes them, padded to the right.
TensorMap collate_rewards(std::span<const TensorMap> examples, int64_t pad_token_id);

}  // namespace imago
