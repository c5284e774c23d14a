#include "imago/nn/heads/pretraining.h"

#include "imago/nn/losses.h"
#include "imago/ops/operators.h"

namespace imago::nn {

PreTrainingOutput pretrain(const TextModel& base, const HeadFunction& predictions, const HeadFunction& pair_scores,
                           PairTask task, const TextInputs& in) {
  BaseModelOutput below = base.forward(in);
  PreTrainingOutput out;
  out.prediction_logits = predictions(below.last_hidden_state);
  const bool order = task == PairTask::kSentenceOrder;
  Tensor& pair_logits = order ? out.sop_logits : out.seq_relationship_logits;
  pair_logits = pair_scores(below.pooler_output);
  const Tensor& pair_label = order ? in.sentence_order_label : in.next_sentence_label;
  if (in.labels && pair_label)
    out.loss = token_loss(out.prediction_logits, in.labels) + token_loss(pair_logits, pair_label);
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::nn
