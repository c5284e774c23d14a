// Qwen3 with a mixture of experts (Yang et al. 2025, "Qwen3 Technical Report").
#pragma once

#include "imago/nn/expert_balance.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/mixture_of_experts.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::qwen3_moe {

struct Qwen3MoeConfig : Config {
  static constexpr const char* kModelType = "qwen3_moe";
  int64_t vocab_size = 151936, hidden_size = 2048, intermediate_size = 6144, moe_intermediate_size = 768;
  int64_t num_hidden_layers = 24, num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads = 4, head_dim;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 32768;
  double rms_norm_eps = 1e-6;
  bool attention_bias = false;
  bool use_sliding_window = false;
  std::optional<int64_t> sliding_window = 4096;
  std::optional<int64_t> num_experts, num_local_experts;  // two names of the same, 128 where there is neither
  int64_t num_experts_per_tok = 8;
  int64_t decoder_sparse_step = 1;                      // every such layer has experts,
  std::optional<std::vector<int64_t>> mlp_only_layers;  // except these
  bool norm_topk_prob = false, output_router_logits = false;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  double router_aux_loss_coef = 0.001;
  JsonText max_window_layers;  // of no effect
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, moe_intermediate_size, num_hidden_layers,
             num_attention_heads, num_key_value_heads, head_dim, hidden_act, max_position_embeddings, rms_norm_eps,
             attention_bias, use_sliding_window, sliding_window, num_experts, num_local_experts, num_experts_per_tok,
             decoder_sparse_step, mlp_only_layers, norm_topk_prob, output_router_logits, rope_theta, rope_parameters,
             rope_scaling, router_aux_loss_coef, max_window_layers, attention_dropout)

  Qwen3MoeConfig() { tie_word_embeddings = false; }
  void validate() const override;
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
  int64_t experts() const { return num_local_experts ? *num_local_experts : num_experts.value_or(128); }
  nn::ExpertBalance expert_balance() const { return {experts(), num_experts_per_tok, router_aux_loss_coef}; }
  bool is_sparse(int64_t layer) const;
};

struct Attention : nn::GroupedQueryAttention<> {
  Attention(const Qwen3MoeConfig& c, int64_t layer);
};

struct MLP : nn::DenseOrSparse<nn::MixtureOfExperts> {
  MLP(const Qwen3MoeConfig& c, int64_t layer);
};

struct Qwen3MoeModel : nn::RotaryDecoder<Qwen3MoeConfig, nn::PreNormLayer<Attention, MLP>> {
  using RotaryDecoder::RotaryDecoder;
  WeightMap weight_map() const override;
};

using Qwen3MoeForCausalLM = nn::BalancedForCausalLM<Qwen3MoeModel>;
using Qwen3MoeForSequenceClassification = nn::ScoreAtLastToken<Qwen3MoeModel>;
using Qwen3MoeForTokenClassification = nn::ForTokenClassification<Qwen3MoeModel, "score">;
using Qwen3MoeForQuestionAnswering = nn::ForQuestionAnswering<Qwen3MoeModel, "qa_outputs", "transformer">;

}  // namespace imago::qwen3_moe
