#include "imago/models/roberta/roberta.h"

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"

namespace imago::roberta {

RobertaConfig::RobertaConfig() {
  vocab_size = 50265;
  pad_token_id = 1;
  bos_token_id = 0;
  eos_token_id = {2};
}

void RobertaConfig::validate() const {
  BertConfig::validate();
  if (pad_token_id) return;
  throw Error(ErrorKind::kInvalidFile, "config.json", "there is no pad_token_id, behind which positions begin",
              "set it to the tokenizer's (RoBERTa has 1)");
}

Embeddings::Embeddings(const RobertaConfig& c) : bert::Embeddings(c) {
  position_embeddings = nn::Embedding(c.max_position_embeddings, c.hidden_size, c.pad_token_id);
}

Tensor Embeddings::operator()(const TextInputs& in) const {
  TextInputs with_positions = in;
  with_positions.inputs_embeds = nn::embed(in, word_embeddings);
  with_positions.position_ids =
      nn::position_ids_behind_padding(in, with_positions.inputs_embeds, *position_embeddings.padding_idx);
  with_positions.input_ids = {};
  return bert::Embeddings::operator()(with_positions);
}

}  // namespace imago::roberta

REGISTER_MODELS(roberta, RobertaModel, RobertaForCausalLM, RobertaForMaskedLM, RobertaForSequenceClassification,
                RobertaForMultipleChoice, RobertaForTokenClassification, RobertaForQuestionAnswering)
