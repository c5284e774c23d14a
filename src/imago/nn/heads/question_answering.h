// Where an answer starts and ends in the input.
#pragma once

#include "imago/nn/heads/with_head.h"

namespace imago::nn {

// Start and end logits [B, T] out of [B, T, 2], with the loss where the inputs have the right positions. Output has the
// fields start_logits, end_logits and loss.
template <class Output>
void set_answer_span(Output& out, const Tensor& logits, const TextInputs& in);

QuestionAnsweringOutput answer_question(const TextModel& base, const HeadFunction& head, const TextInputs& in);

template <class Base, FieldName name = "qa_outputs", FieldName prefix = Base::kBaseModelPrefix, class Head = Scores<2>>
struct ForQuestionAnswering : WithHead<QuestionAnswering, Base, Head, name, prefix> {
  using ForQuestionAnswering::WithHead::WithHead;
  QuestionAnsweringOutput forward(const TextInputs& in) const override {
    return answer_question(this->base, this->head_function(), in);
  }
};

}  // namespace imago::nn
