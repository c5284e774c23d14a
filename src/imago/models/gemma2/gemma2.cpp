// B batch, T tokens, D hidden.
#include "imago/models/gemma2/gemma2.h"

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"

namespace imago::gemma2 {

Gemma2Config::Gemma2Config() {
  pad_token_id = 0;
  eos_token_id = {1};
  bos_token_id = 2;
}

void Gemma2Config::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", num_key_value_heads);
  if (query_pre_attn_scalar < 1)
    throw Error(ErrorKind::kInvalidFile, "config.json", "query_pre_attn_scalar is not positive");
  if (use_bidirectional_attention.value_or(false))
    throw Error(ErrorKind::kUnsupported, "config.json",
                "use_bidirectional_attention of a gemma2 model is not computed");
}

Attention::Attention(const Gemma2Config& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.num_key_value_heads,
                             .head_size = c.head_dim,
                             .layer = layer,
                             .bias = c.attention_bias,
                             .output_bias = c.attention_bias,
                             .window = nn::layer_window(c.layer_types, layer, c.sliding_window, layer % 2 == 0),
                             .scale = 1 / std::sqrt(static_cast<double>(c.query_pre_attn_scalar)),
                             .softcap = c.attn_logit_softcapping.value_or(0)}) {}

Gemma2Model::Gemma2Model(const Gemma2Config& c)
    : Backbone(c),
      embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
      norm(c.hidden_size, c.rms_norm_eps),
      rotary_(nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rope_theta, c.head_dim,
                                     c.max_position_embeddings)) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

BaseModelOutput Gemma2Model::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, embed_tokens);
  if (in.input_ids) x_BTD = x_BTD * std::sqrt(static_cast<double>(config().hidden_size));
  const nn::RotaryContext context{rotary_(nn::position_ids(in, x_BTD), x_BTD.dtype()),
                                  nn::causal_attention(in, x_BTD, record)};
  for (const DecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), context);
  return record.finish(norm(x_BTD));
}

}  // namespace imago::gemma2

REGISTER_MODELS(gemma2, Gemma2Model, Gemma2ForCausalLM, Gemma2ForSequenceClassification, Gemma2ForTokenClassification)
