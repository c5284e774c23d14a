// OLMo 2 (OLMo Team 2024, "2 OLMo 2 Furious"). B batch, T tokens, D hidden.
#include "imago/nn/gated_mlp.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/registry.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::olmo2 {

struct Olmo2Config : Config {
  static constexpr const char* kModelType = "olmo2";
  int64_t vocab_size = 50304, hidden_size = 4096, intermediate_size = 11008;
  int64_t num_hidden_layers = 32, num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads, head_dim;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 2048;
  double rms_norm_eps = 1e-5;
  bool attention_bias = false;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_act, max_position_embeddings, rms_norm_eps, attention_bias,
             rope_theta, rope_parameters, rope_scaling, attention_dropout)

  Olmo2Config() {
    tie_word_embeddings = false;
    pad_token_id = 1;
    eos_token_id = {50279};
  }
  void validate() const override {
    require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  }
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
};

// With a norm of all queries together, and of all keys.
struct Attention : nn::GroupedQueryAttention<> {
  Attention(const Olmo2Config& c, int64_t layer)
      : GroupedQueryAttention({.hidden_size = c.hidden_size,
                               .heads = c.num_attention_heads,
                               .key_value_heads = c.key_value_heads(),
                               .head_size = c.head_size(),
                               .layer = layer,
                               .bias = c.attention_bias,
                               .output_bias = c.attention_bias,
                               .norm = nn::QueryKeyNorm::kAllHeads,
                               .norm_eps = c.rms_norm_eps}) {}
};

// Normalises what comes out of its two parts, not what goes in.
struct DecoderLayer : Module {
  Attention self_attn;
  nn::GatedMLP mlp;
  nn::RMSNorm post_attention_layernorm, post_feedforward_layernorm;
  FIELDS(self_attn, mlp, post_attention_layernorm, post_feedforward_layernorm)

  DecoderLayer(const Olmo2Config& c, int64_t layer)
      : self_attn(c, layer),
        mlp(c.hidden_size, c.intermediate_size, c.hidden_act),
        post_attention_layernorm(c.hidden_size, c.rms_norm_eps),
        post_feedforward_layernorm(c.hidden_size, c.rms_norm_eps) {}
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    const Tensor h_BTD = x_BTD + post_attention_layernorm(self_attn(x_BTD, context));
    return h_BTD + post_feedforward_layernorm(mlp(h_BTD));
  }
};

using Olmo2Model = nn::RotaryDecoder<Olmo2Config, DecoderLayer>;
using Olmo2ForCausalLM = nn::ForCausalLM<Olmo2Model>;
using Olmo2ForSequenceClassification = nn::ScoreAtLastToken<Olmo2Model>;

}  // namespace imago::olmo2

REGISTER_MODELS(olmo2, Olmo2Model, Olmo2ForCausalLM, Olmo2ForSequenceClassification)
