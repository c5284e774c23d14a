// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/llama/llama.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/gated_activation.h"
#include "imago/nn/heads.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"
#include "imago/ops/rope/rope.h"

namespace imago::llama {

void LlamaConfig::validate() const {
  if (num_attention_heads < 1 || key_value_heads() < 1 || num_attention_heads % key_value_heads() != 0) {
    throw Error(
        ErrorKind::kInvalidFile, "config.json",
        fmt::format("{} attention heads do not share {} key/value heads", num_attention_heads, key_value_heads()));
  }
}

Attention::Attention(const LlamaConfig& c, int64_t layer)
    : q_proj(c.hidden_size, c.num_attention_heads * c.head_size(), c.attention_bias),
      k_proj(c.hidden_size, c.key_value_heads() * c.head_size(), c.attention_bias),
      v_proj(c.hidden_size, c.key_value_heads() * c.head_size(), c.attention_bias),
      o_proj(c.num_attention_heads * c.head_size(), c.hidden_size, c.attention_bias),
      heads(c.num_attention_heads),
      key_value_heads(c.key_value_heads()),
      layer_index(layer) {}

Tensor Attention::operator()(const Tensor& x_BTD, const LayerContext& context) const {
  const auto& [cos, sin] = context.angles;
  const Tensor q_BHTK = rope(nn::split_heads(q_proj(x_BTD), heads), cos, sin);
  Tensor k_BHTK = rope(nn::split_heads(k_proj(x_BTD), key_value_heads), cos, sin);
  Tensor v_BHTK = nn::split_heads(v_proj(x_BTD), key_value_heads);
  if (context.attention.cache != nullptr) {
    const KeysValues all = context.attention.cache->append(layer_index, k_BHTK, v_BHTK);
    k_BHTK = all.keys;
    v_BHTK = all.values;
  }
  return o_proj(nn::merge_heads(nn::attend(q_BHTK, k_BHTK, v_BHTK, context.attention)));
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
    : embed_tokens(c.vocab_size, c.hidden_size),
      norm(c.hidden_size, c.rms_norm_eps),
      config_(c),
      rotary_(nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rope_theta, c.head_size(),
                                     c.max_position_embeddings)) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

WeightMap LlamaModel::weight_map() const {
  return {.base_model_prefix = "model", .rules = {}, .ignored = {"*rotary_emb.inv_freq"}, .tied = {}};
}

BaseModelOutput LlamaModel::forward(const TextInputs& in) const {
  BaseModelOutput out;
  Tensor x_BTD = nn::embeddings_or_lookup(in.inputs_embeds, in.input_ids, embed_tokens.weight);
  const int64_t batch = x_BTD.size(0), tokens = x_BTD.size(1);
  const LayerContext context{rotary_(nn::positions_or_default(in, tokens), x_BTD.dtype()),
                             nn::causal_attention(in, batch, tokens, nn::wanted(in.output_attentions, out.attentions))};
  for (const DecoderLayer& layer : layers) {
    if (in.output_hidden_states) out.hidden_states.push_back(x_BTD);
    x_BTD = layer(x_BTD, context);
  }
  out.last_hidden_state = norm(x_BTD);
  if (in.output_hidden_states) out.hidden_states.push_back(out.last_hidden_state);
  return out;
}

}  // namespace imago::llama

namespace imago {

void register_llama(Registry& registry) {
  using llama::LlamaModel;
  registry.add<LlamaModel>("LlamaModel", {"AutoModel"});
  registry.add<nn::ForCausalLM<LlamaModel>>("LlamaForCausalLM", {"AutoModelForCausalLM"});
  registry.add<nn::ForSequenceClassification<LlamaModel>>("LlamaForSequenceClassification",
                                                          {"AutoModelForSequenceClassification"});
  registry.add<nn::ForTokenClassification<LlamaModel>>("LlamaForTokenClassification",
                                                       {"AutoModelForTokenClassification"});
  registry.add<nn::ForQuestionAnswering<LlamaModel>>("LlamaForQuestionAnswering", {"AutoModelForQuestionAnswering"});
}

}  // namespace imago
