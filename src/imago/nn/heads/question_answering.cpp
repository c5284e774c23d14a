#include "imago/nn/heads/question_answering.h"

#include "imago/nn/losses.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

template <class Output>
void set_answer_span(Output& out, const Tensor& logits, const TextInputs& in) {
  out.start_logits = select(logits, 2, 0);
  out.end_logits = select(logits, 2, 1);
  out.loss = question_answering_loss(out.start_logits, out.end_logits, in);
}

template void set_answer_span(QuestionAnsweringOutput& out, const Tensor& logits, const TextInputs& in);
template void set_answer_span(Seq2SeqOutput& out, const Tensor& logits, const TextInputs& in);

QuestionAnsweringOutput answer_question(const TextModel& base, const HeadFunction& head, const TextInputs& in) {
  BaseModelOutput below = base.forward(in);
  QuestionAnsweringOutput out;
  set_answer_span(out, head(below.last_hidden_state), in);
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::nn
