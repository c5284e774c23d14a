#include "imago/models/mistral/mistral.h"

#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"

namespace imago::mistral {

MistralConfig::MistralConfig() {
  tie_word_embeddings = false;
  bos_token_id = 1;
  eos_token_id = {2};
}

void MistralConfig::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
}

Attention::Attention(const MistralConfig& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.key_value_heads(),
                             .head_size = c.head_size(),
                             .layer = layer,
                             .window = nn::layer_window({}, layer, c.sliding_window, true)}) {}

}  // namespace imago::mistral

REGISTER_MODELS(mistral, MistralModel, MistralForCausalLM, MistralForSequenceClassification,
                MistralForTokenClassification, MistralForQuestionAnswering)
