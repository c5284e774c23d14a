// Two heads at once, as BERT was trained: a masked language model and next sentence prediction.
#pragma once

#include "imago/nn/heads/with_head.h"

namespace imago::nn {

// What is asked about two sentences: whether one follows the other, or which is the first.
enum class PairTask { kNextSentence, kSentenceOrder };

PreTrainingOutput pretrain(const TextModel& base, const HeadFunction& predictions, const HeadFunction& pair_scores,
                           PairTask task, const TextInputs& in);

// Head has the modules `predictions` and `seq_relationship`.
template <class Base, class Head, FieldName name, FieldName prefix = Base::kBaseModelPrefix>
struct ForPreTraining : WithHead<PreTraining, Base, Head, name, prefix> {
  using ForPreTraining::WithHead::WithHead;
  PreTrainingOutput forward(const TextInputs& in) const override {
    return pretrain(
        this->base, [this](const Tensor& x) { return this->head.predictions(x); },
        [this](const Tensor& x) { return this->head.seq_relationship(x); }, PairTask::kNextSentence, in);
  }
};

}  // namespace imago::nn
