// RoBERTa (Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach").
#pragma once

#include "imago/models/bert/bert.h"

namespace imago::roberta {

struct RobertaConfig : bert::DropoutConfig {
  static constexpr const char* kModelType = "roberta";

  RobertaConfig();
  void validate() const override;
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

// Dropped before its inner layer (see nn::DropsBeforeHead) and behind it.
struct ClassificationHead : nn::ClassificationHead {
  explicit ClassificationHead(const RobertaConfig& c) : nn::ClassificationHead(c), dropped(c.head_dropout()) {}
  Tensor operator()(const Tensor& x) const { return out_proj(nn::dropout(activation(dense(x)), dropped)); }

  double dropped;
};

using RobertaModel = bert::PooledEncoder<RobertaConfig, Embeddings, "roberta">;
using RobertaWithoutPooler = bert::WithoutPooler<RobertaModel>;
using RobertaForCausalLM = nn::ForCausalLM<RobertaWithoutPooler, LMHead, "lm_head">;
using RobertaForMaskedLM =
    nn::AlsoServes<nn::ForMaskedLM<RobertaWithoutPooler, LMHead, "lm_head">, "AutoModelForPreTraining">;
using RobertaForSequenceClassification =
    nn::ForSequenceClassification<RobertaWithoutPooler, nn::Pooling::kFirstToken, ClassificationHead>;
using RobertaForMultipleChoice = nn::ForMultipleChoice<RobertaModel>;
using RobertaForTokenClassification = nn::ForTokenClassification<RobertaWithoutPooler>;
using RobertaForQuestionAnswering = nn::ForQuestionAnswering<RobertaWithoutPooler>;

}  // namespace imago::roberta
