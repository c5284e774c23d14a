// Scores per label: of the whole input, of each token, of each of several inputs.
#pragma once

#include "imago/nn/dropout.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/pooling.h"

namespace imago::nn {

// Two layers: scores of activation(dense(x)), which is tanh where nothing else is said. What goes into either is
// dropped, before the head and within it.
struct ClassificationHead : Module {
  Linear dense, out_proj;
  FIELDS(dense, out_proj)

  template <class ConfigType>
  explicit ClassificationHead(const ConfigType& c, std::string_view activation_name = "tanh")
      : dense(hidden_size_of(c), hidden_size_of(c)),
        out_proj(hidden_size_of(c), c.num_labels()),
        activation(nn::activation(activation_name)) {
    if constexpr (requires { c.head_dropout(); }) dropped = c.head_dropout();
  }
  Tensor operator()(const Tensor& x) const { return out_proj(dropout(activation(dense(x)), dropped)); }

  Activation activation;
  double dropped = 0;
};

// Of what goes into a head that judges the whole input (see DropsBeforeHead).
double head_dropout(const Config& config);

LogitsOutput classify_sequence(const TextModel& base, const HeadFunction& head, Pooling pooling, const TextInputs& in);
LogitsOutput classify_tokens(const TextModel& base, const HeadFunction& head, const TextInputs& in);
LogitsOutput classify_pair(const TextModel& base, const HeadFunction& head, const TextInputs& in);
LogitsOutput choose(const TextModel& base, const HeadFunction& head, Pooling pooling, const TextInputs& in);

template <class Base, Pooling pooling, class Head = LabelScores<true>, FieldName name = "classifier",
          FieldName prefix = Base::kBaseModelPrefix>
struct ForSequenceClassification : WithHead<SequenceClassification, Base, Head, name, prefix> {
  using ForSequenceClassification::WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override {
    return classify_sequence(this->base, this->head_function(), pooling, in);
  }
};

// Of a decoder, at its last token.
template <class Base>
using ScoreAtLastToken = ForSequenceClassification<Base, Pooling::kLastToken, LabelScores<false>, "score">;

template <class Base, FieldName name = "classifier", FieldName prefix = Base::kBaseModelPrefix>
struct ForTokenClassification : WithHead<TokenClassification, Base, LabelScores<true>, name, prefix> {
  using ForTokenClassification::WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override {
    return classify_tokens(this->base, this->head_function(), in);
  }
};

// Whether the second sentence follows the first.
template <class Base, FieldName name, FieldName prefix = Base::kBaseModelPrefix>
struct ForNextSentencePrediction : WithHead<NextSentencePrediction, Base, Scores<2>, name, prefix> {
  using ForNextSentencePrediction::WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override {
    return classify_pair(this->base, this->head_function(), in);
  }
};

// input_ids [B, choices, T] -> logits [B, choices]
template <class Base, Pooling pooling = Pooling::kPooler, class Head = Scores<1>, FieldName name = "classifier",
          FieldName prefix = Base::kBaseModelPrefix>
struct ForMultipleChoice : WithHead<MultipleChoice, Base, Head, name, prefix> {
  using ForMultipleChoice::WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override {
    return choose(this->base, this->head_function(), pooling, in);
  }
};

// Inputs over choices, [B, choices, T, ...], as those of B * choices rows.
TextInputs flatten_choices(TextInputs in);
int64_t number_of_choices(const TextInputs& in);

}  // namespace imago::nn
