#include "imago/models/qwen3/qwen3.h"

#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"

namespace imago::qwen3 {

void Qwen3Config::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
}

std::optional<int64_t> Qwen3Config::window(int64_t layer) const {
  const auto enabled = use_sliding_window ? sliding_window : std::nullopt;
  return nn::layer_window(layer_types, layer, enabled, layer >= max_window_layers);
}

Attention::Attention(const Qwen3Config& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.key_value_heads(),
                             .head_size = c.head_size(),
                             .layer = layer,
                             .bias = c.attention_bias,
                             .output_bias = c.attention_bias,
                             .window = c.window(layer),
                             .norm = nn::QueryKeyNorm::kEachHead,
                             .norm_eps = c.rms_norm_eps}) {}

}  // namespace imago::qwen3

REGISTER_MODELS(qwen3, Qwen3Model, Qwen3ForCausalLM, Qwen3ForSequenceClassification, Qwen3ForTokenClassification,
                Qwen3ForQuestionAnswering)
