// Mixtral (Jiang et al. 2024, "Mixtral of Experts").
#pragma once

#include "imago/nn/expert_balance.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/mixture_of_experts.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::mixtral {

struct MixtralConfig : Config {
  static constexpr const char* kModelType = "mixtral";
  int64_t vocab_size = 32000, hidden_size = 4096, intermediate_size = 14336;
  int64_t num_hidden_layers = 32, num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads = 8, head_dim, sliding_window;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 131072;
  double rms_norm_eps = 1e-5;
  int64_t num_local_experts = 8, num_experts_per_tok = 2;
  bool output_router_logits = false;
  std::optional<double> rope_theta = 1000000;
  JsonText rope_parameters, rope_scaling;
  double router_aux_loss_coef = 0.001, router_jitter_noise = 0;  // of training
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, sliding_window, hidden_act, max_position_embeddings, rms_norm_eps,
             num_local_experts, num_experts_per_tok, output_router_logits, rope_theta, rope_parameters, rope_scaling,
             router_aux_loss_coef, router_jitter_noise, attention_dropout)

  MixtralConfig();
  void validate() const override;
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  nn::ExpertBalance expert_balance() const { return {num_local_experts, num_experts_per_tok, router_aux_loss_coef}; }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
};

struct Attention : nn::GroupedQueryAttention<> {
  Attention(const MixtralConfig& c, int64_t layer);
};

struct SparseMoeBlock : nn::MixtureOfExperts {
  SparseMoeBlock(const MixtralConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD) const;

  double jitter;  // of what training gives to the router and the experts
};

struct MixtralModel : nn::RotaryDecoder<MixtralConfig, nn::PreNormLayer<Attention, SparseMoeBlock>> {
  using RotaryDecoder::RotaryDecoder;
  WeightMap weight_map() const override;
};

using MixtralForCausalLM = nn::BalancedForCausalLM<MixtralModel>;
using MixtralForSequenceClassification = nn::ScoreAtLastToken<MixtralModel>;
using MixtralForTokenClassification = nn::ForTokenClassification<MixtralModel, "score">;
using MixtralForQuestionAnswering = nn::ForQuestionAnswering<MixtralModel>;

}  // namespace imago::mixtral
