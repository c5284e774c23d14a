#include "imago/nn/heads/pretraining.h"

#include "imago/nn/losses.h"
#include "imago/ops/operators.h"

namespace imago::nn {

PreTrainingOutput pretrain(const TextModel& base, const HeadFunction& predictions, const HeadFunction& seq_relationship,
                           const TextInputs& in) {
  BaseModelOutput below = base.forward(in);
  PreTrainingOutput out;
  out.prediction_logits = predictions(below.last_hidden_state);
  out.seq_relationship_logits = seq_relationship(below.pooler_output);
  if (in.labels && in.next_sentence_label) {
    out.loss =
        token_loss(out.prediction_logits, in.labels) + token_loss(out.seq_relationship_logits, in.next_sentence_label);
  }
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::nn
