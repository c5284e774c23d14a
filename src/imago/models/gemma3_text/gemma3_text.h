// The text model of Gemma 3 (Gemma Team 2025, "Gemma 3 Technical Report").
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/gated_mlp.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/softcapped_language_model.h"
#include "imago/nn/sandwich_norm_layer.h"
#include "imago/nn/zero_centered_rms_norm.h"

namespace imago::gemma3_text {

struct Gemma3TextConfig : Config {
  static constexpr const char* kModelType = "gemma3_text";
  int64_t vocab_size = 262208, hidden_size = 2304, intermediate_size = 9216;
  int64_t num_hidden_layers = 26, num_attention_heads = 8, num_key_value_heads = 4, head_dim = 256;
  std::string hidden_activation = "gelu_pytorch_tanh";
  int64_t max_position_embeddings = 131072;
  double rms_norm_eps = 1e-6;
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
             num_key_value_heads, head_dim, hidden_activation, max_position_embeddings, rms_norm_eps, attention_bias,
             query_pre_attn_scalar, sliding_window, sliding_window_pattern, layer_types, final_logit_softcapping,
             use_bidirectional_attention, rope_theta, rope_local_base_freq, rope_parameters, rope_scaling,
             attn_logit_softcapping, cache_implementation, hidden_act, _sliding_window_pattern)

  Gemma3TextConfig();
  void validate() const override;
  bool bidirectional() const { return use_bidirectional_attention.value_or(false); }
  // All but every sliding_window_pattern-th layer have it, unless layer_types says otherwise.
  std::optional<int64_t> window(int64_t layer) const;
  // The positions of sliding or of full layers.
  nn::RotaryConfig rotary(bool sliding) const;
};

// With a norm of each head of the queries and the keys.
struct Attention : nn::GroupedQueryAttention<nn::ZeroCenteredRMSNorm> {
  Attention(const Gemma3TextConfig& c, int64_t layer);
};

struct MLP : nn::GatedMLP {
  MLP(const Gemma3TextConfig& c, int64_t) : GatedMLP(c.hidden_size, c.intermediate_size, c.hidden_activation) {}
};

using DecoderLayer = nn::SandwichNormLayer<Attention, MLP, nn::ZeroCenteredRMSNorm>;

struct Gemma3TextModel : nn::Backbone<Gemma3TextConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embed_tokens.weight";
  nn::Embedding embed_tokens;
  std::vector<DecoderLayer> layers;
  nn::ZeroCenteredRMSNorm norm;
  FIELDS(embed_tokens, layers, norm)

  explicit Gemma3TextModel(const Gemma3TextConfig& c);
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  nn::Rotary full_rotary_, sliding_rotary_;
};

using Gemma3ForCausalLM = nn::ForCausalLM<Gemma3TextModel, nn::SoftcappedLMHead>;
using Gemma3TextForSequenceClassification = nn::ScoreAtLastToken<Gemma3TextModel>;

}  // namespace imago::gemma3_text
