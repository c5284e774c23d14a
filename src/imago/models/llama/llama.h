// Llama (Touvron et al. 2023, "LLaMA: Open and Efficient Foundation Language Models").
#pragma once

#include "imago/nn/gated_mlp.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::llama {

struct LlamaConfig : Config {
  static constexpr const char* kModelType = "llama";
  int64_t vocab_size = 32000, hidden_size = 4096, intermediate_size = 11008;
  int64_t num_hidden_layers = 32, num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads, head_dim;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 2048;
  double rms_norm_eps = 1e-6;
  bool attention_bias = false, mlp_bias = false;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_act, max_position_embeddings, rms_norm_eps, attention_bias, mlp_bias,
             rope_theta, rope_parameters, rope_scaling, attention_dropout)

  LlamaConfig() { tie_word_embeddings = false; }
  void validate() const override;
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
};

struct Attention : nn::GroupedQueryAttention<> {
  Attention(const LlamaConfig& c, int64_t layer);
};

struct MLP : nn::GatedMLP {
  MLP(const LlamaConfig& c, int64_t) : GatedMLP(c.hidden_size, c.intermediate_size, c.hidden_act, c.mlp_bias) {}
};

using LlamaModel = nn::RotaryDecoder<LlamaConfig, nn::PreNormLayer<Attention, MLP>>;
using LlamaForCausalLM = nn::ForCausalLM<LlamaModel>;
using LlamaForSequenceClassification = nn::ScoreAtLastToken<LlamaModel>;
using LlamaForTokenClassification = nn::ForTokenClassification<LlamaModel, "score">;
using LlamaForQuestionAnswering = nn::ForQuestionAnswering<LlamaModel, "qa_outputs", "transformer">;

}  // namespace imago::llama
