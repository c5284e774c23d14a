// Llama (Touvron et al. 2023, "LLaMA: Open and Efficient Foundation Language Models").
#pragma once

#include "imago/nn/attention.h"
#include "imago/nn/backbone.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/rotary.h"

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
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_act, max_position_embeddings, rms_norm_eps, attention_bias, mlp_bias,
             rope_theta, rope_parameters, rope_scaling)

  LlamaConfig() { tie_word_embeddings = false; }
  void validate() const override;
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
};

// What every layer gets beside its input.
struct LayerContext {
  nn::RotaryAngles angles;
  nn::AttentionContext attention;
};

struct Attention : Module {
  nn::Linear q_proj, k_proj, v_proj, o_proj;
  FIELDS(q_proj, k_proj, v_proj, o_proj)

  Attention(const LlamaConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const LayerContext& context) const;

  int64_t heads, key_value_heads, layer;
};

struct MLP : Module {
  nn::Linear gate_proj, up_proj, down_proj;
  FIELDS(gate_proj, up_proj, down_proj)

  explicit MLP(const LlamaConfig& c);
  Tensor operator()(const Tensor& x_BTD) const;

  std::string hidden_act;
};

struct DecoderLayer : Module {
  Attention self_attn;
  MLP mlp;
  nn::RMSNorm input_layernorm, post_attention_layernorm;
  FIELDS(self_attn, mlp, input_layernorm, post_attention_layernorm)

  DecoderLayer(const LlamaConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const LayerContext& context) const;
};

struct LlamaModel : nn::Backbone<LlamaConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embed_tokens.weight";
  nn::Embedding embed_tokens;
  std::vector<DecoderLayer> layers;
  nn::RMSNorm norm;
  FIELDS(embed_tokens, layers, norm)

  explicit LlamaModel(const LlamaConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  nn::Rotary rotary_;
};

using LlamaForCausalLM = nn::ForCausalLM<LlamaModel>;
using LlamaForSequenceClassification = nn::ScoreAtLastToken<LlamaModel>;
using LlamaForTokenClassification = nn::ForTokenClassification<LlamaModel, "score">;
using LlamaForQuestionAnswering = nn::ForQuestionAnswering<LlamaModel, "qa_outputs", "transformer">;

}  // namespace imago::llama
