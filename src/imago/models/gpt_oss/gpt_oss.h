// gpt-oss (OpenAI 2025, "gpt-oss-120b & gpt-oss-20b Model Card").
#pragma once

#include "imago/nn/expert_balance.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/mixture_of_experts.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::gpt_oss {

struct GptOssConfig : Config {
  static constexpr const char* kModelType = "gpt_oss";
  int64_t vocab_size = 201088, hidden_size = 2880, intermediate_size = 2880;
  int64_t num_hidden_layers = 36, num_attention_heads = 64;
  std::optional<int64_t> num_key_value_heads = 8, head_dim = 64, sliding_window = 128;
  int64_t max_position_embeddings = 131072;
  double rms_norm_eps = 1e-5;
  bool attention_bias = true;
  int64_t num_local_experts = 128, num_experts_per_tok = 4;
  double swiglu_alpha = 1.702, swiglu_limit = 7;
  bool output_router_logits = false;
  std::optional<std::vector<std::string>> layer_types;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  JsonText quantization_config;  // {"quant_method": "mxfp4"} where the experts are stored so
  double router_aux_loss_coef = 0.9;
  JsonText hidden_act, experts_per_token, initial_context_length;  // of no effect
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, sliding_window, max_position_embeddings, rms_norm_eps, attention_bias,
             num_local_experts, num_experts_per_tok, swiglu_alpha, swiglu_limit, output_router_logits, layer_types,
             rope_theta, rope_parameters, rope_scaling, quantization_config, hidden_act, router_aux_loss_coef,
             experts_per_token, initial_context_length, attention_dropout)

  GptOssConfig() { tie_word_embeddings = false; }
  void validate() const override;
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
  nn::ExpertBalance expert_balance() const { return {num_local_experts, num_experts_per_tok, router_aux_loss_coef}; }
  bool has_mxfp4_experts() const { return !quantization_config.text.empty(); }
};

nn::RotaryConfig rotary_config(const GptOssConfig& c);

// The weight is multiplied before the one rounding.
struct RMSNorm : nn::RMSNorm {
  using nn::RMSNorm::RMSNorm;
  Tensor operator()(const Tensor& x) const;
};

// Each head has a sink: a learned score that takes its share of the softmax and adds nothing.
struct Attention : nn::GroupedQueryProjections {
  Tensor sinks;
  FIELDS(q_proj, k_proj, v_proj, o_proj, sinks)

  Attention(const GptOssConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    return attend(x_BTD, context, {}, {}, sinks);
  }
};

// One expert's matrix out of that of all, plain [E, in, out] or in MXFP4 [E, out, in / 32, 16] with scales.
struct ExpertMatrices {
  Tensor plain, blocks, scales, bias;

  ExpertMatrices(const GptOssConfig& c, int64_t in, int64_t out);
  Tensor operator()(int64_t expert, const Tensor& x) const;
};

struct Experts : Module {
  ExpertMatrices gate_up, down;
  void each_field(FieldVisitor& visitor);

  explicit Experts(const GptOssConfig& c);
  Tensor operator()(int64_t expert, const Tensor& x) const;

  double alpha, limit;
};

struct MLP : Module {
  nn::Linear router;
  Experts experts;
  FIELDS(router, experts)

  MLP(const GptOssConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD) const;

  int64_t num_experts, num_experts_per_tok;
};

struct GptOssModel : nn::RotaryDecoder<GptOssConfig, nn::PreNormLayer<Attention, MLP, RMSNorm>, RMSNorm> {
  using RotaryDecoder::RotaryDecoder;
  WeightMap weight_map() const override;
};

using GptOssForCausalLM = nn::BalancedForCausalLM<GptOssModel>;
using GptOssForSequenceClassification = nn::ScoreAtLastToken<GptOssModel>;
using GptOssForTokenClassification = nn::ForTokenClassification<GptOssModel, "score">;

}  // namespace imago::gpt_oss
