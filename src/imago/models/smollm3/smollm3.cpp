#include "imago/models/smollm3/smollm3.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"

namespace imago::smollm3 {

SmolLM3Config::SmolLM3Config() {
  pad_token_id = 128004;
  bos_token_id = 128000;
  eos_token_id = {128001};
}

void SmolLM3Config::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  if (no_rope_layers ? static_cast<int64_t>(no_rope_layers->size()) >= num_hidden_layers : no_rope_layer_interval >= 1)
    return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              no_rope_layers ? fmt::format("no_rope_layers has {} entries for {} layers", no_rope_layers->size(),
                                           num_hidden_layers)
                             : fmt::format("no_rope_layer_interval is {}", no_rope_layer_interval));
}

bool SmolLM3Config::has_positions(int64_t layer) const {
  if (no_rope_layers) return (*no_rope_layers)[static_cast<size_t>(layer)] != 0;
  return (layer + 1) % no_rope_layer_interval != 0;
}

std::optional<int64_t> SmolLM3Config::window(int64_t layer) const {
  const auto enabled = use_sliding_window ? sliding_window : std::nullopt;
  return nn::layer_window(layer_types, layer, enabled, !has_positions(layer));
}

Attention::Attention(const SmolLM3Config& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.key_value_heads(),
                             .head_size = c.head_size(),
                             .layer = layer,
                             .bias = c.attention_bias,
                             .output_bias = c.attention_bias,
                             .rotary = c.has_positions(layer),
                             .window = c.window(layer)}) {}

}  // namespace imago::smollm3

REGISTER_MODELS(smollm3, SmolLM3Model, SmolLM3ForCausalLM, SmolLM3ForSequenceClassification,
                SmolLM3ForTokenClassification, SmolLM3ForQuestionAnswering)
