// Phi-3 (Abdin et al. 2024, "Phi-3 Technical Report").
#pragma once

#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::phi3 {

struct Phi3Config : Config {
  static constexpr const char* kModelType = "phi3";
  int64_t vocab_size = 32064, hidden_size = 3072, intermediate_size = 8192;
  int64_t num_hidden_layers = 32, num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads, head_dim, sliding_window;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 4096, original_max_position_embeddings = 4096;
  double rms_norm_eps = 1e-5;
  std::optional<double> rope_theta, partial_rotary_factor;
  JsonText rope_parameters, rope_scaling;
  bool attention_bias = false;  // of no effect: there are no biases
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, sliding_window, hidden_act, max_position_embeddings,
             original_max_position_embeddings, rms_norm_eps, rope_theta, partial_rotary_factor, rope_parameters,
             rope_scaling, attention_bias, attention_dropout)

  Phi3Config();
  void validate() const override;
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
};

nn::RotaryConfig rotary_config(const Phi3Config& c);

// Queries, keys and values come of one matrix; every layer may see a window of positions.
struct Attention : Module {
  nn::Linear qkv_proj, o_proj;
  FIELDS(qkv_proj, o_proj)

  Attention(const Phi3Config& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;

  int64_t heads, key_value_heads, head_size, layer;
  std::optional<int64_t> window;
};

// Gate and input come of one matrix.
struct MLP : Module {
  nn::Linear gate_up_proj, down_proj;
  FIELDS(gate_up_proj, down_proj)

  MLP(const Phi3Config& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD) const;

  std::string hidden_act;
};

struct Phi3Model : nn::RotaryDecoder<Phi3Config, nn::PreNormLayer<Attention, MLP>> {
  using RotaryDecoder::RotaryDecoder;
  BaseModelOutput forward(const TextInputs& in) const override;
};

using Phi3ForCausalLM = nn::ForCausalLM<Phi3Model>;
using Phi3ForSequenceClassification = nn::ScoreAtLastToken<Phi3Model>;
using Phi3ForTokenClassification = nn::ForTokenClassification<Phi3Model, "score">;

}  // namespace imago::phi3
