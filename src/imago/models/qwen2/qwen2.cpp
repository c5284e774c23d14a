#include "imago/models/qwen2/qwen2.h"

#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"

namespace imago::qwen2 {

void Qwen2Config::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
}

std::optional<int64_t> Qwen2Config::window(int64_t layer) const {
  const auto enabled = use_sliding_window ? sliding_window : std::nullopt;
  return nn::layer_window(layer_types, layer, enabled, layer >= max_window_layers);
}

Attention::Attention(const Qwen2Config& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.key_value_heads(),
                             .head_size = c.head_size(),
                             .layer = layer,
                             .bias = true,
                             .window = c.window(layer)}) {}

}  // namespace imago::qwen2

REGISTER_MODELS(qwen2, Qwen2Model, Qwen2ForCausalLM, Qwen2ForSequenceClassification, Qwen2ForTokenClassification,
                Qwen2ForQuestionAnswering)
