// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/llama/llama.h"

#include "imago/nn/embeddings.h"
#include "imago/nn/gated_activation.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"
#include "imago/ops/rope/rope.h"

namespace imago::llama {

void LlamaConfig::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
}

Attention::Attention(const LlamaConfig& c, int64_t layer_index)
    : q_proj(c.hidden_size, c.num_attention_heads * c.head_size(), c.attention_bias),
      k_proj(c.hidden_size, c.key_value_heads() * c.head_size(), c.attention_bias),
      v_proj(c.hidden_size, c.key_value_heads() * c.head_size(), c.attention_bias),
      o_proj(c.num_attention_heads * c.head_size(), c.hidden_size, c.attention_bias),
      heads(c.num_attention_heads),
      key_value_heads(c.key_value_heads()),
      layer(layer_index) {}

Tensor Attention::operator()(const Tensor& x_BTD, const LayerContext& context) const {
  const auto rotated = [&](const Tensor& x_BHTK) { return rope(x_BHTK, context.angles.cos, context.angles.sin); };
  const Tensor q_BHTK = rotated(nn::split_heads(q_proj(x_BTD), heads));
  const KeysValues all = nn::keys_values(context.attention, layer, x_BTD, [&](const Tensor& x) {
    return KeysValues{rotated(nn::split_heads(k_proj(x), key_value_heads)),
                      nn::split_heads(v_proj(x), key_value_heads)};
  });
  return o_proj(nn::merge_heads(nn::attend(q_BHTK, all, context.attention)));
}

MLP::MLP(const LlamaConfig& c)
    : gate_proj(c.hidden_size, c.intermediate_size, c.mlp_bias),
      up_proj(c.hidden_size, c.intermediate_size, c.mlp_bias),
      down_proj(c.intermediate_size, c.hidden_size, c.mlp_bias),
      hidden_act(c.hidden_act) {}

Tensor MLP::operator()(const Tensor& x_BTD) const {
  return down_proj(nn::gated_activation(hidden_act, gate_proj(x_BTD), up_proj(x_BTD)));
}

DecoderLayer::DecoderLayer(const LlamaConfig& c, int64_t layer)
    : self_attn(c, layer),
      mlp(c),
      input_layernorm(c.hidden_size, c.rms_norm_eps),
      post_attention_layernorm(c.hidden_size, c.rms_norm_eps) {}

Tensor DecoderLayer::operator()(const Tensor& x_BTD, const LayerContext& context) const {
  const Tensor h_BTD = x_BTD + self_attn(input_layernorm(x_BTD), context);
  return h_BTD + mlp(post_attention_layernorm(h_BTD));
}

LlamaModel::LlamaModel(const LlamaConfig& c)
    : Backbone(c),
      embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
      norm(c.hidden_size, c.rms_norm_eps),
      rotary_(nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rope_theta, c.head_size(),
                                     c.max_position_embeddings)) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

WeightMap LlamaModel::weight_map() const { return {.base_model_prefix = "model", .ignored = {"*rotary_emb.inv_freq"}}; }

BaseModelOutput LlamaModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, embed_tokens);
  const LayerContext context{rotary_(nn::position_ids(in, x_BTD), x_BTD.dtype()),
                             nn::causal_attention(in, x_BTD, record)};
  for (const DecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), context);
  return record.finish(norm(x_BTD));
}

}  // namespace imago::llama

namespace imago {

void register_llama(Registry& registry) {
  using namespace llama;
  registry.add<LlamaModel>("LlamaModel");
  registry.add<LlamaForCausalLM>("LlamaForCausalLM");
  registry.add<LlamaForSequenceClassification>("LlamaForSequenceClassification");
  registry.add<LlamaForTokenClassification>("LlamaForTokenClassification");
  registry.add<LlamaForQuestionAnswering>("LlamaForQuestionAnswering");
}

}  // namespace imago
