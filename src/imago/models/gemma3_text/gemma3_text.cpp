// The text model of Gemma 3 (Gemma Team 2025, "Gemma 3 Technical Report"). B batch, T tokens, D hidden.
#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/backbone.h"
#include "imago/nn/dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/gated_mlp.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/softcapped_language_model.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"
#include "imago/nn/sandwich_norm_layer.h"
#include "imago/nn/zero_centered_rms_norm.h"

namespace imago::gemma3_text {

struct Gemma3TextConfig : Config {
  static constexpr const char* kModelType = "gemma3_text";
  int64_t vocab_size = 262208, hidden_size = 2304, intermediate_size = 9216;
  int64_t num_hidden_layers = 26, num_attention_heads = 8, num_key_value_heads = 4, head_dim = 256;
  std::string hidden_activation = "gelu_pytorch_tanh";
  int64_t max_position_embeddings = 131072;
  double rms_norm_eps = 1e-6, attention_dropout = 0;
  bool attention_bias = false;
  int64_t query_pre_attn_scalar = 256;  // the scores' divisor, squared
  int64_t sliding_window = 4096, sliding_window_pattern = 6;
  std::optional<std::vector<std::string>> layer_types;
  std::optional<double> final_logit_softcapping;
  std::optional<bool> use_bidirectional_attention;
  std::optional<double> rope_theta, rope_local_base_freq;
  JsonText rope_parameters, rope_scaling;
  // Of no effect: what the reference saves or early files have beside the keys that count.
  JsonText attn_logit_softcapping, cache_implementation, hidden_act, _sliding_window_pattern;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_activation, max_position_embeddings, rms_norm_eps, attention_dropout,
             attention_bias, query_pre_attn_scalar, sliding_window, sliding_window_pattern, layer_types,
             final_logit_softcapping, use_bidirectional_attention, rope_theta, rope_local_base_freq, rope_parameters,
             rope_scaling, attn_logit_softcapping, cache_implementation, hidden_act, _sliding_window_pattern)

  Gemma3TextConfig() {
    pad_token_id = 0;
    eos_token_id = {1};
    bos_token_id = 2;
  }
  void validate() const override {
    require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", num_key_value_heads);
    for (const auto& [key, value] : {std::pair{"query_pre_attn_scalar", query_pre_attn_scalar},
                                     {"sliding_window", sliding_window},
                                     {"sliding_window_pattern", sliding_window_pattern}}) {
      if (value < 1) throw Error(ErrorKind::kInvalidFile, "config.json", fmt::format("{} is {}", key, value));
    }
  }
  bool bidirectional() const { return use_bidirectional_attention.value_or(false); }
  // All but every sliding_window_pattern-th layer have it, unless layer_types says otherwise. It is to both sides
  // together where attention goes both ways.
  std::optional<int64_t> window(int64_t layer) const {
    const int64_t size = bidirectional() ? sliding_window / 2 + 1 : sliding_window;
    return nn::layer_window(layer_types, layer, size, (layer + 1) % sliding_window_pattern != 0);
  }
  nn::Rotary full_rotary() const {
    const JsonText own = nn::rope_parameters_of("full_attention", rope_parameters);
    return nn::Rotary(
        nn::RotaryConfig::read(own, rope_scaling, rope_theta.value_or(1000000), head_dim, max_position_embeddings));
  }
  nn::Rotary sliding_rotary() const {
    const JsonText own = nn::rope_parameters_of("sliding_attention", rope_parameters);
    return nn::Rotary(
        nn::RotaryConfig::read(own, {}, rope_local_base_freq.value_or(10000), head_dim, max_position_embeddings));
  }
};

// With a norm of each head of the queries and the keys.
struct Attention : nn::GroupedQueryAttention<nn::ZeroCenteredRMSNorm> {
  Attention(const Gemma3TextConfig& c, int64_t layer)
      : GroupedQueryAttention({.hidden_size = c.hidden_size,
                               .heads = c.num_attention_heads,
                               .key_value_heads = c.num_key_value_heads,
                               .head_size = c.head_dim,
                               .layer = layer,
                               .bias = c.attention_bias,
                               .output_bias = c.attention_bias,
                               .window = c.window(layer),
                               .scale = 1 / std::sqrt(static_cast<double>(c.query_pre_attn_scalar)),
                               .norm = nn::QueryKeyNorm::kEachHead,
                               .norm_eps = c.rms_norm_eps}) {}
};

struct MLP : nn::GatedMLP {
  MLP(const Gemma3TextConfig& c, int64_t) : GatedMLP(c.hidden_size, c.intermediate_size, c.hidden_activation) {}
};

using DecoderLayer = nn::SandwichNormLayer<Attention, MLP, nn::ZeroCenteredRMSNorm>;

// Layers with a window and those without count positions in their own way.
struct Gemma3TextModel : nn::Backbone<Gemma3TextConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embed_tokens.weight";
  nn::Embedding embed_tokens;
  std::vector<DecoderLayer> layers;
  nn::ZeroCenteredRMSNorm norm;
  FIELDS(embed_tokens, layers, norm)

  explicit Gemma3TextModel(const Gemma3TextConfig& c)
      : Backbone(c),
        embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
        norm(c.hidden_size, c.rms_norm_eps),
        full_rotary(c.full_rotary()),
        sliding_rotary(c.sliding_rotary()) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
  }
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }

  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = nn::embed(in, embed_tokens);
    if (in.input_ids) x_BTD = x_BTD * std::sqrt(static_cast<double>(config().hidden_size));
    const Tensor positions = nn::position_ids(in, x_BTD);
    nn::AttentionContext attention = nn::causal_attention(in, x_BTD, record);
    attention.mask.causal = !config().bidirectional();
    const nn::RotaryContext full{full_rotary(positions, x_BTD.dtype()), attention};
    const nn::RotaryContext sliding{sliding_rotary(positions, x_BTD.dtype()), attention};
    const nn::AttentionDropout attention_dropout(config().attention_dropout);
    for (const DecoderLayer& layer : layers)
      x_BTD = layer(record(x_BTD), layer.self_attn.options.window ? sliding : full);
    return record.finish(norm(x_BTD));
  }

  nn::Rotary full_rotary, sliding_rotary;
};

using Gemma3ForCausalLM = nn::ForCausalLM<Gemma3TextModel, nn::SoftcappedLMHead>;
using Gemma3TextForSequenceClassification = nn::ScoreAtLastToken<Gemma3TextModel>;

}  // namespace imago::gemma3_text

REGISTER_MODELS(gemma3_text, Gemma3TextModel, Gemma3ForCausalLM, Gemma3TextForSequenceClassification)
