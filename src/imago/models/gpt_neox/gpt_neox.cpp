// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/gpt_neox/gpt_neox.h"

#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"

namespace imago::gpt_neox {

GPTNeoXConfig::GPTNeoXConfig() {
  tie_word_embeddings = false;
  bos_token_id = 0;
  eos_token_id = {2};
}

void GPTNeoXConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
}

Attention::Attention(const GPTNeoXConfig& c, int64_t layer_index)
    : query_key_value(c.hidden_size, 3 * c.hidden_size, c.attention_bias),
      dense(c.hidden_size, c.hidden_size, c.attention_bias),
      heads(c.num_attention_heads),
      layer(layer_index) {}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  const Tensor all_heads = nn::split_heads(query_key_value(x_BTD), heads);  // [B, H, T, 3 K]
  const int64_t size = all_heads.size(3) / 3;
  const auto part = [&](int64_t index) { return narrow(all_heads, 3, index * size, size); };
  const Tensor q_BHTK = nn::rotate(part(0), context.angles);
  const KeysValues all = nn::keys_values(context.attention, layer, x_BTD, [&](const Tensor&) {
    return KeysValues{nn::rotate(part(1), context.angles), part(2)};
  });
  return dense(nn::merge_heads(nn::attend(q_BHTK, all, context.attention)));
}

MLP::MLP(const GPTNeoXConfig& c)
    : dense_h_to_4h(c.hidden_size, c.intermediate_size),
      dense_4h_to_h(c.intermediate_size, c.hidden_size),
      activation(nn::activation(c.hidden_act)) {}

Layer::Layer(const GPTNeoXConfig& c, int64_t layer)
    : input_layernorm(c.hidden_size, c.layer_norm_eps),
      post_attention_layernorm(c.hidden_size, c.layer_norm_eps),
      attention(c, layer),
      mlp(c),
      parallel_residual(c.use_parallel_residual) {}

Tensor Layer::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  const Tensor attended = attention(input_layernorm(x_BTD), context);
  if (parallel_residual) return mlp(post_attention_layernorm(x_BTD)) + attended + x_BTD;
  const Tensor h_BTD = attended + x_BTD;
  return mlp(post_attention_layernorm(h_BTD)) + h_BTD;
}

GPTNeoXModel::GPTNeoXModel(const GPTNeoXConfig& c)
    : Backbone(c),
      embed_in(c.vocab_size, c.hidden_size),
      final_layer_norm(c.hidden_size, c.layer_norm_eps),
      rotary_(nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rotary_emb_base,
                                     c.hidden_size / c.num_attention_heads, c.max_position_embeddings,
                                     c.rotary_pct.value_or(0.25))) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

WeightMap GPTNeoXModel::weight_map() const {
  return {.base_model_prefix = "gpt_neox",
          .rules = {{"embed_out.weight", "lm_head.weight"}},
          // What follows from config.json: masks and frequencies.
          .ignored = {"*attention.bias", "*attention.masked_bias", "*rotary_emb.inv_freq"}};
}

BaseModelOutput GPTNeoXModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, embed_in);
  const nn::RotaryContext context{rotary_(nn::position_ids(in, x_BTD), x_BTD.dtype()),
                                  nn::causal_attention(in, x_BTD, record)};
  for (const Layer& layer : layers) x_BTD = layer(record(x_BTD), context);
  return record.finish(final_layer_norm(x_BTD));
}

}  // namespace imago::gpt_neox

REGISTER_MODELS(gpt_neox, GPTNeoXModel, GPTNeoXForCausalLM, GPTNeoXForSequenceClassification,
                GPTNeoXForTokenClassification, GPTNeoXForQuestionAnswering)
