#include "imago/models/xlm_roberta/xlm_roberta.h"

#include "imago/nn/registry.h"

REGISTER_MODELS(xlm_roberta, XLMRobertaModel, XLMRobertaForCausalLM, XLMRobertaForMaskedLM,
                XLMRobertaForSequenceClassification, XLMRobertaForMultipleChoice, XLMRobertaForTokenClassification,
                XLMRobertaForQuestionAnswering)
