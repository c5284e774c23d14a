// Two heads at once, as BERT was trained: a masked language model and next sentence prediction.
#pragma once

#include "imago/nn/heads/with_head.h"

namespace imago::nn {

// What is asked about two sentences: whether one follows the other, or which is the first.
enum class PairTask { kNextSentence, kSentenceOrder };

PreTrainingOutput pretrain(const TextModel& base, const HeadFunction& predictions, const HeadFunction& pair_scores,
                           PairTask task, const TextInputs& in);

// Scores of tokens, and of the pair by what `pair_name` has.
template <class Predictions, FieldName pair_name, class PairScores>
struct PreTrainingHeads : Module {
  Predictions predictions;
  PairScores pair_scores;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, "predictions", predictions);
    imago::internal::visit_field(visitor, pair_name, pair_scores);
  }

  template <class ConfigType>
  explicit PreTrainingHeads(const ConfigType& c) : predictions(c), pair_scores(c) {}
  Ties ties(const std::string& name, const std::string& embeddings) const {
    return predictions.ties(name.empty() ? "predictions" : name + ".predictions", embeddings);
  }
};

// Head has the modules `predictions` and `pair_scores`.
template <class Base, class Head, FieldName name, PairTask task = PairTask::kNextSentence>
struct ForPreTraining : WithHead<PreTraining, Base, Head, name> {
  using ForPreTraining::WithHead::WithHead;
  PreTrainingOutput forward(const TextInputs& in) const override {
    return pretrain(
        this->base, [this](const Tensor& x) { return this->head.predictions(x); },
        [this](const Tensor& x) { return this->head.pair_scores(x); }, task, in);
  }
};

}  // namespace imago::nn
