// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/phi3/phi3.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/gated_activation.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"
#include "imago/ops/slice/slice.h"

namespace imago::phi3 {

Phi3Config::Phi3Config() {
  tie_word_embeddings = false;
  bos_token_id = 1;
  eos_token_id = {32000};
  pad_token_id = 32000;
}

void Phi3Config::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  const std::string type = rotary_config(*this).rope_type;
  if (type == "default" || type == "longrope") return;
  throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("rope type {} of a phi3 model", type),
              "known are default and longrope");
}

nn::RotaryConfig rotary_config(const Phi3Config& c) {
  auto config = nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rope_theta, c.head_size(),
                                       c.max_position_embeddings, c.partial_rotary_factor.value_or(1));
  config.original_max_position_embeddings = c.original_max_position_embeddings;  // counts before the parameters' own
  return config;
}

Attention::Attention(const Phi3Config& c, int64_t layer_index)
    : qkv_proj(c.hidden_size, (c.num_attention_heads + 2 * c.key_value_heads()) * c.head_size(), false),
      o_proj(c.num_attention_heads * c.head_size(), c.hidden_size, false),
      heads(c.num_attention_heads),
      key_value_heads(c.key_value_heads()),
      head_size(c.head_size()),
      layer(layer_index),
      window(nn::layer_window({}, layer_index, c.sliding_window, true)) {}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  const Tensor qkv = qkv_proj(x_BTD);
  const auto part = [&](int64_t first_head, int64_t count) {
    return nn::split_heads(narrow(qkv, 2, first_head * head_size, count * head_size), count);
  };
  const Tensor q_BHTK = nn::rotate(part(0, heads), context.angles);
  const nn::AttentionContext attention = nn::within(context.attention, window);
  const KeysValues all = nn::keys_values(attention, layer, x_BTD, [&](const Tensor&) {
    return KeysValues{nn::rotate(part(heads, key_value_heads), context.angles),
                      part(heads + key_value_heads, key_value_heads)};
  });
  return o_proj(nn::merge_heads(nn::attend(q_BHTK, all, attention)));
}

MLP::MLP(const Phi3Config& c, int64_t)
    : gate_up_proj(c.hidden_size, 2 * c.intermediate_size, false),
      down_proj(c.intermediate_size, c.hidden_size, false),
      hidden_act(c.hidden_act) {}

Tensor MLP::operator()(const Tensor& x_BTD) const {
  const Tensor both = gate_up_proj(x_BTD);
  const int64_t size = both.size(2) / 2;
  return down_proj(nn::gated_activation(hidden_act, narrow(both, 2, 0, size), narrow(both, 2, size, size)));
}

BaseModelOutput Phi3Model::forward(const TextInputs& in) const {
  const nn::RotaryConfig rotary = rotary_config(config());
  const int64_t past = in.past_key_values != nullptr ? in.past_key_values->length() : 0;
  const Tensor& input = in.input_ids ? in.input_ids : in.inputs_embeds;
  const int64_t context = rotary.original_max_position_embeddings;
  // The reference throws its cache away here and computes all keys again with the long factors, which takes the ids.
  if (rotary.rope_type == "longrope" && past > 0 && past <= context && input && past + input.size(1) > context) {
    throw Error(ErrorKind::kUnsupported, "phi3",
                fmt::format("{} tokens in the cache and {} new ones cross original_max_position_embeddings {}, where "
                            "rope type longrope turns all keys anew",
                            past, input.size(1), context),
                "start again without a cache, from all tokens");
  }
  return RotaryDecoder::forward(in);
}

}  // namespace imago::phi3

REGISTER_MODELS(phi3, Phi3Model, Phi3ForCausalLM, Phi3ForSequenceClassification, Phi3ForTokenClassification)
