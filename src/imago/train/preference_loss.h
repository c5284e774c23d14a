// DPO (Rafailov et al. 2023, "Direct Preference Optimization: Your Language Model is Secretly a Reward Model").
#pragma once

#include <functional>
#include <vector>

#include "imago/train/chat_dataset.h"
#include "imago/train/objective.h"

namespace imago {

// A batch has the chosen answers' rows first and as many rejected ones' behind them: input_ids, attention_mask and
// labels [2 B, T], with -100 where no answer is. The loss of a pair is -log sigmoid(beta (log ratio of the chosen - log
// ratio of the rejected)), ratios against what the model gives in `as_reference`.
class PreferenceLoss final : public Objective {
 public:
  // `as_reference` calls its argument while the model is the one that training began with: without its adapter, or
  // another model.
  PreferenceLoss(double beta, std::function<Tensor(const std::function<Tensor(const Model&)>&)> as_reference)
      : beta_(beta), as_reference_(std::move(as_reference)) {}

  Tensor loss(const Model& model, const TensorMap& batch, const RunOptions& options) const override;
  int64_t items(const Model& model, const TensorMap& batch) const override;  // pairs

 private:
  double beta_;
  std::function<Tensor(const std::function<Tensor(const Model&)>&)> as_reference_;
};

// Rows with "prompt", "chosen" and "rejected" (texts or conversations) as examples of chosen_ids, chosen_labels,
// rejected_ids and rejected_labels. Throws what ChatTokenizer throws, and Error kInvalidFile for a row whose answers
// are cut off whole.
MemoryDataset preference_dataset(const std::vector<Row>& rows, const ChatTokenizer& tokenizer, int64_t max_length);

// Batches of such examples as PreferenceLoss takes them, padded to the right.
TensorMap collate_preferences(std::span<const TensorMap> examples, int64_t pad_token_id);

}  // namespace imago
