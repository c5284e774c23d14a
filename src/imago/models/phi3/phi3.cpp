// Phi-3 (Abdin et al. 2024, "Phi-3 Technical Report"). B batch, T tokens, D hidden, H heads, K head size.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/gated_activation.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"
#include "imago/nn/rotary_decoder.h"
#include "imago/ops/slice/slice.h"

namespace imago::phi3 {

struct Phi3Config : Config {
  static constexpr const char* kModelType = "phi3";
  int64_t vocab_size = 32064, hidden_size = 3072, intermediate_size = 8192;
  int64_t num_hidden_layers = 32, num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads, head_dim, sliding_window;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 4096, original_max_position_embeddings = 4096;
  double rms_norm_eps = 1e-5, resid_pdrop = 0, attention_dropout = 0;
  std::optional<double> rope_theta, partial_rotary_factor;
  JsonText rope_parameters, rope_scaling;
  bool attention_bias = false;  // of no effect: there are no biases
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, sliding_window, hidden_act, max_position_embeddings,
             original_max_position_embeddings, rms_norm_eps, resid_pdrop, attention_dropout, rope_theta,
             partial_rotary_factor, rope_parameters, rope_scaling, attention_bias)

  Phi3Config() {
    tie_word_embeddings = false;
    bos_token_id = 1;
    eos_token_id = {32000};
    pad_token_id = 32000;
  }
  void validate() const override;
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
};

nn::RotaryConfig rotary_config(const Phi3Config& c) {
  auto config = nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rope_theta, c.head_size(),
                                       c.max_position_embeddings, c.partial_rotary_factor.value_or(1));
  config.original_max_position_embeddings = c.original_max_position_embeddings;  // counts before the parameters' own
  return config;
}

void Phi3Config::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  const std::string type = rotary_config(*this).rope_type;
  if (type == "default" || type == "longrope") return;
  throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("rope type {} of a phi3 model", type),
              "known are default and longrope");
}

// Queries, keys and values come of one matrix; every layer may see a window of positions.
struct Attention : Module {
  nn::Linear qkv_proj, o_proj;
  FIELDS(qkv_proj, o_proj)

  Attention(const Phi3Config& c, int64_t layer_index)
      : qkv_proj(c.hidden_size, (c.num_attention_heads + 2 * c.key_value_heads()) * c.head_size(), false),
        o_proj(c.num_attention_heads * c.head_size(), c.hidden_size, false),
        heads(c.num_attention_heads),
        key_value_heads(c.key_value_heads()),
        head_size(c.head_size()),
        layer(layer_index),
        window(nn::layer_window({}, layer_index, c.sliding_window, true)),
        dropped(c.resid_pdrop) {}
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
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
    return nn::dropout(o_proj(nn::merge_heads(nn::attend(q_BHTK, all, attention))), dropped);
  }

  int64_t heads, key_value_heads, head_size, layer;
  std::optional<int64_t> window;
  double dropped;
};

// Gate and input come of one matrix.
struct MLP : Module {
  nn::Linear gate_up_proj, down_proj;
  FIELDS(gate_up_proj, down_proj)

  MLP(const Phi3Config& c, int64_t)
      : gate_up_proj(c.hidden_size, 2 * c.intermediate_size, false),
        down_proj(c.intermediate_size, c.hidden_size, false),
        hidden_act(c.hidden_act),
        dropped(c.resid_pdrop) {}
  Tensor operator()(const Tensor& x_BTD) const {
    const Tensors halves = chunk(gate_up_proj(x_BTD), 2, -1);
    return nn::dropout(down_proj(nn::gated_activation(hidden_act, halves[0], halves[1])), dropped);
  }

  std::string hidden_act;
  double dropped;
};

struct Phi3Model : nn::RotaryDecoder<Phi3Config, nn::PreNormLayer<Attention, MLP>> {
  using RotaryDecoder::RotaryDecoder;

  BaseModelOutput forward(const TextInputs& in) const override {
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
};

using Phi3ForCausalLM = nn::ForCausalLM<Phi3Model>;
using Phi3ForSequenceClassification = nn::ScoreAtLastToken<Phi3Model>;
using Phi3ForTokenClassification = nn::ForTokenClassification<Phi3Model, "score">;

}  // namespace imago::phi3

REGISTER_MODELS(phi3, Phi3Model, Phi3ForCausalLM, Phi3ForSequenceClassification, Phi3ForTokenClassification)
