#include "imago/models/llama/llama.h"

#include "imago/nn/registry.h"

namespace imago::llama {

void LlamaConfig::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
}

Attention::Attention(const LlamaConfig& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.key_value_heads(),
                             .head_size = c.head_size(),
                             .layer = layer,
                             .bias = c.attention_bias,
                             .output_bias = c.attention_bias}) {}

}  // namespace imago::llama

REGISTER_MODELS(llama, LlamaModel, LlamaForCausalLM, LlamaForSequenceClassification, LlamaForTokenClassification,
                LlamaForQuestionAnswering)
