// DeepSeek-V3 (DeepSeek-AI 2024, "DeepSeek-V3 Technical Report").
#pragma once

#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/mixture_of_experts.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::deepseek_v3 {

struct DeepseekV3Config : Config {
  static constexpr const char* kModelType = "deepseek_v3";
  int64_t vocab_size = 129280, hidden_size = 7168, intermediate_size = 18432, moe_intermediate_size = 2048;
  int64_t num_hidden_layers = 61, num_attention_heads = 128;
  std::optional<int64_t> num_key_value_heads;  // as many as num_attention_heads
  std::optional<int64_t> q_lora_rank = 1536;   // absent: queries come of one matrix
  int64_t kv_lora_rank = 512, qk_rope_head_dim = 64, qk_nope_head_dim = 128, v_head_dim = 128;
  bool rope_interleave = true, attention_bias = false;
  int64_t first_k_dense_replace = 3, n_shared_experts = 1, n_routed_experts = 256, num_experts_per_tok = 8;
  int64_t n_group = 8, topk_group = 4;  // experts are chosen from the best groups
  bool norm_topk_prob = true;
  double routed_scaling_factor = 2.5;
  std::string hidden_act = "silu", scoring_func = "sigmoid", topk_method = "noaux_tc";
  int64_t max_position_embeddings = 4096, moe_layer_freq = 1;
  double rms_norm_eps = 1e-6;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  int64_t num_nextn_predict_layers = 1;  // layers beyond the last that predict farther ahead, which are left out
  // Of no effect: they follow from the others, or are for training.
  JsonText head_dim, qk_head_dim, output_router_logits, ep_size, aux_loss_alpha, seq_aux;
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, moe_intermediate_size, num_hidden_layers,
             num_attention_heads, num_key_value_heads, q_lora_rank, kv_lora_rank, qk_rope_head_dim, qk_nope_head_dim,
             v_head_dim, rope_interleave, attention_bias, first_k_dense_replace, n_shared_experts, n_routed_experts,
             num_experts_per_tok, n_group, topk_group, norm_topk_prob, output_router_logits, routed_scaling_factor,
             hidden_act, scoring_func, topk_method, max_position_embeddings, moe_layer_freq, rms_norm_eps, rope_theta,
             rope_parameters, rope_scaling, num_nextn_predict_layers, head_dim, qk_head_dim, ep_size, aux_loss_alpha,
             seq_aux, attention_dropout)

  DeepseekV3Config();
  void validate() const override;
  int64_t head_size() const { return qk_rope_head_dim; }  // of what is turned by positions
  int64_t query_size() const { return qk_nope_head_dim + qk_rope_head_dim; }
};

// Multi-head latent attention: keys and values of all heads come of one short vector per token, which is what the cache
// keeps, and a part of the key that all heads share and that alone knows the position.
struct Attention : Module {
  nn::Linear q_proj, q_a_proj, q_b_proj, kv_a_proj_with_mqa, kv_b_proj, o_proj;
  nn::RMSNorm q_a_layernorm, kv_a_layernorm;
  FIELDS(q_proj, q_a_proj, q_a_layernorm, q_b_proj, kv_a_proj_with_mqa, kv_a_layernorm, kv_b_proj, o_proj)

  Attention(const DeepseekV3Config& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;

 private:
  Tensor turned(const Tensor& x_BHTK, const nn::RotaryAngles& angles) const;
  Tensor queries(const Tensor& x_BTD, const nn::RotaryAngles& angles) const;
  KeysValues latents(const Tensor& x_BTD, const nn::RotaryAngles& angles) const;
  KeysValues expanded(const KeysValues& latents) const;

  int64_t heads_, layer_, latent_size_, plain_size_, turned_size_;
  bool interleaved_;
  double scale_;
};

// Scores are sigmoids; a correction that balances the experts counts when they are chosen, not when they are weighted.
struct Gate : Module {
  Tensor weight, e_score_correction_bias;
  FIELDS(weight, e_score_correction_bias)

  explicit Gate(const DeepseekV3Config& c);
  nn::Routing operator()(const Tensor& x_ND) const;

  int64_t groups, best_groups, experts_per_token;
  bool normalise;
  double scaling_factor;

 private:
  Tensor without_other_groups(const Tensor& scores_NE) const;
};

struct MoE : Module {
  Gate gate;
  std::vector<nn::GatedMLP> experts;
  nn::GatedMLP shared_experts;
  FIELDS(gate, experts, shared_experts)

  explicit MoE(const DeepseekV3Config& c);
  Tensor operator()(const Tensor& x_BTD) const;
};

struct MLP : nn::DenseOrSparse<MoE> {
  MLP(const DeepseekV3Config& c, int64_t layer);
};

struct DeepseekV3Model : nn::RotaryDecoder<DeepseekV3Config, nn::PreNormLayer<Attention, MLP>> {
  using RotaryDecoder::RotaryDecoder;
  WeightMap weight_map() const override;
};

using DeepseekV3ForCausalLM = nn::ForCausalLM<DeepseekV3Model>;
using DeepseekV3ForSequenceClassification = nn::ScoreAtLastToken<DeepseekV3Model>;
using DeepseekV3ForTokenClassification = nn::ForTokenClassification<DeepseekV3Model, "score">;

}  // namespace imago::deepseek_v3
