// A language model that also scores choices. B batch, C choices, T tokens, D hidden.
#pragma once

#include "imago/nn/heads/language_model.h"

namespace imago::nn {

// How a vector per choice becomes its score: the configuration's summary_... keys.
struct SummaryOptions {
  std::string type;  // "cls_index" takes the token at cls_index; "first", "last" and "mean" a choice instead, which is
                     // what the reference's, made for sequences, come to here
  bool use_proj = true, proj_to_labels = true;
  std::optional<std::string> activation;
  double dropped = 0;  // of the vector
};

struct SequenceSummary : Module {
  Linear summary;
  FIELDS(summary)

  SequenceSummary(const SummaryOptions& options, int64_t hidden_size);
  // [B, C, T, D] -> [B, C], or [B, C, D] without a projection to labels.
  Tensor operator()(const Tensor& x_BCTD, const Tensor& cls_index) const;

  std::string type;
  Activation activation = nullptr;
  double dropped;
};

DoubleHeadsOutput choose_and_predict(const TextModel& base, const HeadFunction& lm_head, const SequenceSummary& choice,
                                     const TextInputs& in);

// Over the choices of input_ids [B, C, T], the score of each at mc_token_ids [B, C]. The configuration has
// summary_options().
template <class Base, FieldName name = "lm_head">
struct DoubleHeadsModel : WithHead<CallableModel<TextInputs, DoubleHeadsOutput>, Base, LMHead, name> {
  using Parent = WithHead<CallableModel<TextInputs, DoubleHeadsOutput>, Base, LMHead, name>;
  SequenceSummary multiple_choice_head;
  FIELDS_AND(Parent, multiple_choice_head)

  explicit DoubleHeadsModel(const typename Base::ConfigType& c)
      : Parent(c), multiple_choice_head(c.summary_options(), hidden_size_of(c)) {}
  DoubleHeadsOutput forward(const TextInputs& in) const override {
    return choose_and_predict(this->base, this->head_function(), multiple_choice_head, in);
  }
};

}  // namespace imago::nn
