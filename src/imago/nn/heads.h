// Heads that decoder-only architectures share. Base is the bare model: a TextModel whose ConfigType has hidden_size and
// vocab_size, and which stands in the checkpoint as "model".
#pragma once

#include "imago/nn/attention.h"
#include "imago/nn/layers.h"
#include "imago/nn/losses.h"
#include "imago/nn/model.h"

namespace imago::nn {

// The last `keep` positions of [B, T, D]; all where `keep` is 0.
Tensor keep_last(const Tensor& x_BTD, int64_t keep);
// Of logits [B, T, labels], those at each row's last token that is not padding: [B, labels].
Tensor at_last_token(const Tensor& logits, const Tensor& input_ids, const Config& config);
// Of x [B, T, D], row i at positions[i]: [B, D].
Tensor at_positions(const Tensor& x_BTD, const Tensor& positions_B);
// Inputs over choices, [B, choices, T, ...], as those of B * choices rows.
TextInputs flatten_choices(TextInputs in);
// Logits [B, T, 2] as those of the start and of the end.
QuestionAnsweringOutput answer_span(const Tensor& logits, BaseModelOutput base, const TextInputs& inputs);
// An output with these logits and the hidden states and attentions of the model below.
LogitsOutput logits_output(Tensor logits, Tensor loss, BaseModelOutput base);

template <class Base>
struct ForCausalLM : CausalLM {
  using ConfigType = typename Base::ConfigType;
  Base model;
  Linear lm_head;
  FIELDS(model, lm_head)

  explicit ForCausalLM(const ConfigType& c) : model(c), lm_head(c.hidden_size, c.vocab_size, false) {}
  const Config& config() const override { return model.config(); }
  WeightMap weight_map() const override {
    WeightMap map = model.weight_map();
    if (config().tie_word_embeddings) map.tied = {{"lm_head.weight", "model.embed_tokens.weight"}};
    return map;
  }
  LogitsOutput forward(const TextInputs& in) const override {
    BaseModelOutput base = model.forward(in);
    Tensor logits = lm_head(keep_last(base.last_hidden_state, in.logits_to_keep));
    Tensor loss = causal_lm_loss(logits, in.labels);
    return logits_output(std::move(logits), std::move(loss), std::move(base));
  }
};

template <class Base>
struct ForSequenceClassification : SequenceClassification {
  using ConfigType = typename Base::ConfigType;
  Base model;
  Linear score;
  FIELDS(model, score)

  explicit ForSequenceClassification(const ConfigType& c) : model(c), score(c.hidden_size, c.num_labels(), false) {}
  const Config& config() const override { return model.config(); }
  WeightMap weight_map() const override { return model.weight_map(); }
  LogitsOutput forward(const TextInputs& in) const override {
    BaseModelOutput base = model.forward(in);
    Tensor logits = at_last_token(score(base.last_hidden_state), in.input_ids, config());
    Tensor loss = sequence_classification_loss(logits, in.labels, config());
    return logits_output(std::move(logits), std::move(loss), std::move(base));
  }
};

template <class Base>
struct ForTokenClassification : TokenClassification {
  using ConfigType = typename Base::ConfigType;
  Base model;
  Linear score;
  FIELDS(model, score)

  explicit ForTokenClassification(const ConfigType& c) : model(c), score(c.hidden_size, c.num_labels()) {}
  const Config& config() const override { return model.config(); }
  WeightMap weight_map() const override { return model.weight_map(); }
  LogitsOutput forward(const TextInputs& in) const override {
    BaseModelOutput base = model.forward(in);
    Tensor logits = score(base.last_hidden_state);
    Tensor loss = token_loss(logits, in.labels);
    return logits_output(std::move(logits), std::move(loss), std::move(base));
  }
};

// The reference keeps the model below under its older name here.
template <class Base>
struct ForQuestionAnswering : QuestionAnswering {
  using ConfigType = typename Base::ConfigType;
  Base transformer;
  Linear qa_outputs;
  FIELDS(transformer, qa_outputs)

  explicit ForQuestionAnswering(const ConfigType& c) : transformer(c), qa_outputs(c.hidden_size, 2) {}
  const Config& config() const override { return transformer.config(); }
  WeightMap weight_map() const override {
    WeightMap map = transformer.weight_map();
    map.base_model_prefix = "transformer";
    return map;
  }
  QuestionAnsweringOutput forward(const TextInputs& in) const override {
    BaseModelOutput base = transformer.forward(in);
    const Tensor logits = qa_outputs(base.last_hidden_state);
    return answer_span(logits, std::move(base), in);
  }
};

}  // namespace imago::nn
