// B batch, T tokens, D hidden.
#include "imago/models/olmo2/olmo2.h"

#include "imago/nn/registry.h"

namespace imago::olmo2 {

Olmo2Config::Olmo2Config() {
  tie_word_embeddings = false;
  pad_token_id = 1;
  eos_token_id = {50279};
}

void Olmo2Config::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
}

Attention::Attention(const Olmo2Config& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.key_value_heads(),
                             .head_size = c.head_size(),
                             .layer = layer,
                             .bias = c.attention_bias,
                             .output_bias = c.attention_bias,
                             .norm = nn::QueryKeyNorm::kAllHeads,
                             .norm_eps = c.rms_norm_eps}) {}

DecoderLayer::DecoderLayer(const Olmo2Config& c, int64_t layer)
    : self_attn(c, layer),
      mlp(c.hidden_size, c.intermediate_size, c.hidden_act),
      post_attention_layernorm(c.hidden_size, c.rms_norm_eps),
      post_feedforward_layernorm(c.hidden_size, c.rms_norm_eps) {}

Tensor DecoderLayer::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  const Tensor h_BTD = x_BTD + post_attention_layernorm(self_attn(x_BTD, context));
  return h_BTD + post_feedforward_layernorm(mlp(h_BTD));
}

}  // namespace imago::olmo2

REGISTER_MODELS(olmo2, Olmo2Model, Olmo2ForCausalLM, Olmo2ForSequenceClassification)
