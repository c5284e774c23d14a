#include "imago/models/bert/bert_heads.h"

#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::bert {
namespace {

WeightMap with_tied_head(const BertModel& model) {
  WeightMap map = model.weight_map();
  if (model.config().tie_word_embeddings) {
    map.tied = {{"cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"},
                {"cls.predictions.decoder.bias", "cls.predictions.bias"}};
  }
  return map;
}

}  // namespace

PredictionHeadTransform::PredictionHeadTransform(const BertConfig& c)
    : dense(c.hidden_size, c.hidden_size),
      LayerNorm(c.hidden_size, c.layer_norm_eps),
      activation(nn::activation(c.hidden_act)) {}

LMPredictionHead::LMPredictionHead(const BertConfig& c)
    : transform(c), decoder(c.hidden_size, c.vocab_size), bias(parameter({c.vocab_size})) {}

BertForPreTraining::BertForPreTraining(const BertConfig& c)
    : ModelWithHead(c), cls{{}, LMPredictionHead(c), nn::Linear(c.hidden_size, 2)} {}
WeightMap BertForPreTraining::weight_map() const { return with_tied_head(base); }

PreTrainingOutput BertForPreTraining::forward(const TextInputs& in) const {
  BaseModelOutput bert = base.forward(in);
  PreTrainingOutput out;
  out.prediction_logits = cls.predictions(bert.last_hidden_state);
  out.seq_relationship_logits = cls.seq_relationship(bert.pooler_output);
  if (in.labels && in.next_sentence_label) {
    out.loss = nn::token_loss(out.prediction_logits, in.labels) +
               nn::token_loss(out.seq_relationship_logits, in.next_sentence_label);
  }
  out.hidden_states = std::move(bert.hidden_states);
  out.attentions = std::move(bert.attentions);
  return out;
}

BertLMHeadModel::BertLMHeadModel(const BertConfig& c) : ModelWithHead(c), cls{{}, LMPredictionHead(c)} {}
WeightMap BertLMHeadModel::weight_map() const { return with_tied_head(base); }

LogitsOutput BertLMHeadModel::forward(const TextInputs& in) const {
  BaseModelOutput bert = base.forward(in);
  Tensor logits = cls.predictions(nn::keep_last(bert.last_hidden_state, in.logits_to_keep));
  Tensor loss = nn::causal_lm_loss(logits, in.labels);
  return nn::logits_output(std::move(logits), std::move(loss), std::move(bert));
}

BertForMaskedLM::BertForMaskedLM(const BertConfig& c) : ModelWithHead(c), cls{{}, LMPredictionHead(c)} {}
WeightMap BertForMaskedLM::weight_map() const { return with_tied_head(base); }

LogitsOutput BertForMaskedLM::forward(const TextInputs& in) const {
  BaseModelOutput bert = base.forward(in);
  Tensor logits = cls.predictions(bert.last_hidden_state);
  Tensor loss = nn::token_loss(logits, in.labels);
  return nn::logits_output(std::move(logits), std::move(loss), std::move(bert));
}

BertForNextSentencePrediction::BertForNextSentencePrediction(const BertConfig& c)
    : ModelWithHead(c), cls{{}, nn::Linear(c.hidden_size, 2)} {}

LogitsOutput BertForNextSentencePrediction::forward(const TextInputs& in) const {
  BaseModelOutput bert = base.forward(in);
  Tensor logits = cls.seq_relationship(bert.pooler_output);
  Tensor loss = nn::token_loss(logits, in.labels);
  return nn::logits_output(std::move(logits), std::move(loss), std::move(bert));
}

BertForSequenceClassification::BertForSequenceClassification(const BertConfig& c)
    : ModelWithHead(c), classifier(c.hidden_size, c.num_labels()) {}

LogitsOutput BertForSequenceClassification::forward(const TextInputs& in) const {
  BaseModelOutput bert = base.forward(in);
  Tensor logits = classifier(bert.pooler_output);
  Tensor loss = nn::sequence_classification_loss(logits, in.labels, config());
  return nn::logits_output(std::move(logits), std::move(loss), std::move(bert));
}

BertForMultipleChoice::BertForMultipleChoice(const BertConfig& c) : ModelWithHead(c), classifier(c.hidden_size, 1) {}

LogitsOutput BertForMultipleChoice::forward(const TextInputs& in) const {
  BaseModelOutput bert = base.forward(nn::flatten_choices(in));
  const int64_t choices = (in.inputs_embeds ? in.inputs_embeds : in.input_ids).size(1);
  Tensor logits = reshape(classifier(bert.pooler_output), {-1, choices});
  Tensor loss = nn::token_loss(logits, in.labels);
  return nn::logits_output(std::move(logits), std::move(loss), std::move(bert));
}

}  // namespace imago::bert
