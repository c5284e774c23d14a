// XLM-RoBERTa (Conneau et al. 2019, "Unsupervised Cross-lingual Representation Learning at Scale").
#include "imago/models/roberta/roberta.h"
#include "imago/nn/registry.h"

namespace imago::xlm_roberta {

struct XLMRobertaConfig : roberta::RobertaConfig {
  static constexpr const char* kModelType = "xlm-roberta";

  XLMRobertaConfig() { vocab_size = 30522; }
};

using XLMRobertaModel = bert::PooledEncoder<XLMRobertaConfig, roberta::Embeddings, "roberta">;
using XLMRobertaWithoutPooler = bert::WithoutPooler<XLMRobertaModel>;
using XLMRobertaForCausalLM = nn::ForCausalLM<XLMRobertaWithoutPooler, roberta::LMHead, "lm_head">;
using XLMRobertaForMaskedLM =
    nn::AlsoServes<nn::ForMaskedLM<XLMRobertaWithoutPooler, roberta::LMHead, "lm_head">, "AutoModelForPreTraining">;
using XLMRobertaForSequenceClassification =
    nn::ForSequenceClassification<XLMRobertaWithoutPooler, nn::Pooling::kFirstToken, nn::ClassificationHead>;
using XLMRobertaForMultipleChoice = nn::ForMultipleChoice<XLMRobertaModel>;
using XLMRobertaForTokenClassification = nn::ForTokenClassification<XLMRobertaWithoutPooler>;
using XLMRobertaForQuestionAnswering = nn::ForQuestionAnswering<XLMRobertaWithoutPooler>;

}  // namespace imago::xlm_roberta

REGISTER_MODELS(xlm_roberta, XLMRobertaModel, XLMRobertaForCausalLM, XLMRobertaForMaskedLM,
                XLMRobertaForSequenceClassification, XLMRobertaForMultipleChoice, XLMRobertaForTokenClassification,
                XLMRobertaForQuestionAnswering)
