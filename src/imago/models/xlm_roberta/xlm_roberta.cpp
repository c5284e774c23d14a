#include "imago/models/xlm_roberta/xlm_roberta.h"

#include "imago/nn/registry.h"

namespace imago {

void register_xlm_roberta(Registry& registry) {
  using namespace xlm_roberta;
  registry.add<XLMRobertaModel>("XLMRobertaModel", {"AutoModelForTextEncoding"});
  registry.add<XLMRobertaForCausalLM>("XLMRobertaForCausalLM");
  registry.add<XLMRobertaForMaskedLM>("XLMRobertaForMaskedLM", {"AutoModelForPreTraining"});
  registry.add<XLMRobertaForSequenceClassification>("XLMRobertaForSequenceClassification");
  registry.add<XLMRobertaForMultipleChoice>("XLMRobertaForMultipleChoice");
  registry.add<XLMRobertaForTokenClassification>("XLMRobertaForTokenClassification");
  registry.add<XLMRobertaForQuestionAnswering>("XLMRobertaForQuestionAnswering");
}

}  // namespace imago
