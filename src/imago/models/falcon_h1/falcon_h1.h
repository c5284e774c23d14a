// Falcon-H1 (Zuo et al. 2025, "Falcon-H1: A Family of Hybrid-Head Language Models Redefining Efficiency and
// Performance"). B batch, T tokens, D hidden.
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/mamba2_mixer.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::falcon_h1 {

struct FalconH1Config : Config {
  static constexpr const char* kModelType = "falcon_h1";
  int64_t vocab_size = 128000, hidden_size = 4096, intermediate_size = 14336, num_hidden_layers = 32;
  int64_t num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads = 8, head_dim;
  std::string hidden_act = "silu";
  double rms_norm_eps = 1e-5;
  int64_t max_position_embeddings = 8192;
  std::optional<int64_t> mamba_d_ssm = 1024;
  int64_t mamba_n_heads = 128;
  JsonText mamba_d_head;  // a number, or "auto": what the others leave
  int64_t mamba_n_groups = 1, mamba_d_state = 256, mamba_d_conv = 4, mamba_expand = 2;
  bool mamba_conv_bias = true, mamba_proj_bias = false, mamba_norm_before_gate = true, mamba_rms_norm = false;
  JsonText time_step_limit;
  bool projectors_bias = false, attention_bias = false, mlp_bias = false;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  double lm_head_multiplier = 1, embedding_multiplier = 1, key_multiplier = 1;
  double attention_in_multiplier = 1, attention_out_multiplier = 1, ssm_in_multiplier = 1, ssm_out_multiplier = 1;
  std::optional<std::vector<double>> mlp_multipliers, ssm_multipliers;
  // Of no effect: into which pieces the reference cuts its sums, how many logits generation asks for, and what follows.
  JsonText mamba_chunk_size, num_logits_to_keep, layer_types, layers_block_type, mamba_use_mlp;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_act, rms_norm_eps, max_position_embeddings, mamba_d_ssm,
             mamba_n_heads, mamba_d_head, mamba_n_groups, mamba_d_state, mamba_d_conv, mamba_expand, mamba_conv_bias,
             mamba_proj_bias, mamba_norm_before_gate, mamba_rms_norm, time_step_limit, projectors_bias, attention_bias,
             mlp_bias, rope_theta, rope_parameters, rope_scaling, lm_head_multiplier, embedding_multiplier,
             key_multiplier, attention_in_multiplier, attention_out_multiplier, ssm_in_multiplier, ssm_out_multiplier,
             mlp_multipliers, ssm_multipliers, mamba_chunk_size, num_logits_to_keep, layer_types, layers_block_type,
             mamba_use_mlp)

  FalconH1Config();
  void validate() const override;
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t inner_size() const { return mamba_d_ssm.value_or(mamba_expand * hidden_size); }
};

struct Attention : nn::GroupedQueryProjections {
  FIELDS(q_proj, k_proj, v_proj, o_proj)

  Attention(const FalconH1Config& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;

  double key_multiplier;
};

// The parts of what goes into the state space have a factor each.
struct Mixer : nn::Mamba2Mixer {
  Mixer(const FalconH1Config& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const TextInputs& in) const;

  double in_multiplier;
  std::vector<float> factors;
};

struct MLP : Module {
  nn::Linear gate_proj, up_proj, down_proj;
  FIELDS(gate_proj, up_proj, down_proj)

  explicit MLP(const FalconH1Config& c);
  Tensor operator()(const Tensor& x_BTD) const;

  nn::Activation activation;
  double gate_multiplier, down_multiplier;
};

// Attention and a state space read the same and are added.
struct DecoderLayer : Module {
  MLP feed_forward;
  Mixer mamba;
  Attention self_attn;
  nn::RMSNorm input_layernorm, pre_ff_layernorm;
  FIELDS(feed_forward, mamba, self_attn, input_layernorm, pre_ff_layernorm)

  DecoderLayer(const FalconH1Config& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const TextInputs& in, const nn::RotaryContext& context) const;

  double attention_in, attention_out, ssm_out;
};

struct FalconH1Model : nn::Backbone<FalconH1Config> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embed_tokens.weight";
  nn::Embedding embed_tokens;
  std::vector<DecoderLayer> layers;
  nn::RMSNorm final_layernorm;
  FIELDS(embed_tokens, layers, final_layernorm)

  explicit FalconH1Model(const FalconH1Config& c);
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  nn::Rotary rotary_;
};

struct ScaledLMHead : nn::LMHead {
  explicit ScaledLMHead(const FalconH1Config& c) : LMHead(c), multiplier(c.lm_head_multiplier) {}
  Tensor operator()(const Tensor& x_BTD) const;
  double multiplier;
};

using FalconH1ForCausalLM = nn::ForCausalLM<FalconH1Model, ScaledLMHead>;

}  // namespace imago::falcon_h1
