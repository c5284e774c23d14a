// RoBERTa (Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach").
#pragma once

#include "imago/models/bert/bert.h"

namespace imago::roberta {

struct RobertaConfig : bert::DropoutConfig {
  static constexpr const char* kModelType = "roberta";

  RobertaConfig();
  void validate() const override;
  double choice_dropout() const override { return hidden_dropout_prob; }
};

// BERT's, with positions that begin behind pad_token_id, over what is not padding.
struct Embeddings : bert::Embeddings {
  explicit Embeddings(const RobertaConfig& c);
  Tensor operator()(const TextInputs& in) const;
};

// Its activation is always gelu.
struct LMHead : nn::TransformedLMHead<"dense", "layer_norm"> {
  explicit LMHead(const RobertaConfig& c) : TransformedLMHead(c) { activation = nn::activation("gelu"); }
};

using RobertaModel = bert::PooledEncoder<RobertaConfig, Embeddings, "roberta">;
using RobertaWithoutPooler = bert::WithoutPooler<RobertaModel>;
using RobertaForCausalLM = nn::ForCausalLM<RobertaWithoutPooler, LMHead, "lm_head">;
using RobertaForMaskedLM =
    nn::AlsoServes<nn::ForMaskedLM<RobertaWithoutPooler, LMHead, "lm_head">, "AutoModelForPreTraining">;
using RobertaForSequenceClassification =
    nn::ForSequenceClassification<RobertaWithoutPooler, nn::Pooling::kFirstToken, nn::ClassificationHead>;
using RobertaForMultipleChoice = nn::ForMultipleChoice<RobertaModel>;
using RobertaForTokenClassification = nn::ForTokenClassification<RobertaWithoutPooler>;
using RobertaForQuestionAnswering = nn::ForQuestionAnswering<RobertaWithoutPooler>;

}  // namespace imago::roberta
