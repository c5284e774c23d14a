// BERT's heads, but for those that every architecture shares.
#pragma once

#include "imago/models/bert/bert.h"
#include "imago/nn/model_with_head.h"

namespace imago::bert {

struct PredictionHeadTransform : Module {
  nn::Linear dense;
  nn::LayerNorm LayerNorm;
  FIELDS(dense, LayerNorm)

  explicit PredictionHeadTransform(const BertConfig& c);
  Tensor operator()(const Tensor& x_BTD) const { return LayerNorm(activation(dense(x_BTD))); }

  nn::Activation activation;
};

// The vocabulary's scores. The decoder's weight is that of the word embeddings and its bias is `bias`, when tied.
struct LMPredictionHead : Module {
  PredictionHeadTransform transform;
  nn::Linear decoder;
  Tensor bias;
  FIELDS(transform, decoder, bias)

  explicit LMPredictionHead(const BertConfig& c);
  Tensor operator()(const Tensor& x_BTD) const { return decoder(transform(x_BTD)); }
};

struct OnlyMLMHead : Module {
  LMPredictionHead predictions;
  FIELDS(predictions)
};

struct OnlyNSPHead : Module {
  nn::Linear seq_relationship;
  FIELDS(seq_relationship)
};

struct PreTrainingHeads : Module {
  LMPredictionHead predictions;
  nn::Linear seq_relationship;
  FIELDS(predictions, seq_relationship)
};

struct BertForPreTraining : nn::ModelWithHead<PreTraining, BertModel> {
  PreTrainingHeads cls;
  FIELDS_AND(ModelWithHead, cls)

  explicit BertForPreTraining(const BertConfig& c);
  WeightMap weight_map() const override;
  PreTrainingOutput forward(const TextInputs& in) const override;
};

// A causal language model where the configuration says is_decoder.
struct BertLMHeadModel : nn::ModelWithHead<CausalLM, BertWithoutPooler> {
  OnlyMLMHead cls;
  FIELDS_AND(ModelWithHead, cls)

  explicit BertLMHeadModel(const BertConfig& c);
  WeightMap weight_map() const override;
  LogitsOutput forward(const TextInputs& in) const override;
};

struct BertForMaskedLM : nn::ModelWithHead<MaskedLM, BertWithoutPooler> {
  OnlyMLMHead cls;
  FIELDS_AND(ModelWithHead, cls)

  explicit BertForMaskedLM(const BertConfig& c);
  WeightMap weight_map() const override;
  LogitsOutput forward(const TextInputs& in) const override;
};

struct BertForNextSentencePrediction : nn::ModelWithHead<NextSentencePrediction, BertModel> {
  OnlyNSPHead cls;
  FIELDS_AND(ModelWithHead, cls)

  explicit BertForNextSentencePrediction(const BertConfig& c);
  LogitsOutput forward(const TextInputs& in) const override;
};

struct BertForSequenceClassification : nn::ModelWithHead<SequenceClassification, BertModel> {
  nn::Linear classifier;
  FIELDS_AND(ModelWithHead, classifier)

  explicit BertForSequenceClassification(const BertConfig& c);
  LogitsOutput forward(const TextInputs& in) const override;
};

// input_ids [B, choices, T] -> logits [B, choices]
struct BertForMultipleChoice : nn::ModelWithHead<MultipleChoice, BertModel> {
  nn::Linear classifier;
  FIELDS_AND(ModelWithHead, classifier)

  explicit BertForMultipleChoice(const BertConfig& c);
  LogitsOutput forward(const TextInputs& in) const override;
};

}  // namespace imago::bert
