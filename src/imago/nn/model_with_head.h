// Heads on top of a bare model. Base is a TextModel with a ConfigType and with
//   static constexpr const char* kBaseModelPrefix;   // its name in checkpoints of models with heads: "bert"
#pragma once

#include "imago/nn/heads.h"
#include "imago/nn/layers.h"
#include "imago/nn/losses.h"
#include "imago/nn/model.h"

namespace imago::nn {

// D, under whichever of the Hub's three names the configuration has it.
template <class ConfigType>
int64_t hidden_size_of(const ConfigType& c) {
  if constexpr (requires { c.hidden_size; }) {
    return c.hidden_size;
  } else if constexpr (requires { c.n_embd; }) {
    return c.n_embd;
  } else {
    return c.d_model;
  }
}

// What all heads share. A head adds its own fields with FIELDS_AND(ModelWithHead, ...).
template <class Interface, class Base>
struct ModelWithHead : Interface {
  using ConfigType = typename Base::ConfigType;
  Base base;

  explicit ModelWithHead(const ConfigType& c) : base(c) {}
  void each_field(FieldVisitor& visitor) override {
    imago::internal::visit_fields(visitor, Base::kBaseModelPrefix, base);
  }
  const Config& config() const override { return base.config(); }
  WeightMap weight_map() const override {
    WeightMap map = base.weight_map();
    const std::string prefix = std::string(Base::kBaseModelPrefix) + ".";
    for (auto& [shared, stored] : map.tied) {  // names of the bare model's own
      shared.insert(0, prefix);
      stored.insert(0, prefix);
    }
    return map;
  }
};

template <class Base>
struct TokenClassifier : ModelWithHead<TokenClassification, Base> {
  using Parent = ModelWithHead<TokenClassification, Base>;
  Linear classifier;
  FIELDS_AND(Parent, classifier)

  explicit TokenClassifier(const typename Base::ConfigType& c)
      : Parent(c), classifier(hidden_size_of(c), c.num_labels()) {}
  LogitsOutput forward(const TextInputs& in) const override {
    BaseModelOutput below = this->base.forward(in);
    Tensor logits = classifier(below.last_hidden_state);
    Tensor loss = token_loss(logits, in.labels);
    return logits_output(std::move(logits), std::move(loss), std::move(below));
  }
};

template <class Base>
struct QuestionAnswerer : ModelWithHead<QuestionAnswering, Base> {
  using Parent = ModelWithHead<QuestionAnswering, Base>;
  Linear qa_outputs;
  FIELDS_AND(Parent, qa_outputs)

  explicit QuestionAnswerer(const typename Base::ConfigType& c) : Parent(c), qa_outputs(hidden_size_of(c), 2) {}
  QuestionAnsweringOutput forward(const TextInputs& in) const override {
    BaseModelOutput below = this->base.forward(in);
    const Tensor logits = qa_outputs(below.last_hidden_state);
    return answer_span(logits, std::move(below), in);
  }
};

}  // namespace imago::nn
