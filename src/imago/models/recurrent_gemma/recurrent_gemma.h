// RecurrentGemma (Botev et al. 2024, "RecurrentGemma: Moving Past Transformers for Efficient Open Language Models"),
// which is Griffin (De et al. 2024). B batch, T tokens, D hidden.
#pragma once

#include "imago/nn/gated_mlp.h"
#include "imago/nn/gated_recurrence.h"
#include "imago/nn/heads/softcapped_language_model.h"
#include "imago/nn/rotary_decoder.h"
#include "imago/nn/zero_centered_rms_norm.h"

namespace imago::recurrent_gemma {

struct RecurrentGemmaConfig : Config {
  static constexpr const char* kModelType = "recurrent_gemma";
  int64_t vocab_size = 256000, hidden_size = 2560, intermediate_size = 7680;
  int64_t num_hidden_layers = 26, num_attention_heads = 10, attention_window_size = 2048, conv1d_width = 4;
  std::optional<int64_t> num_key_value_heads, lru_width;
  std::string hidden_activation = "gelu_pytorch_tanh";
  double rms_norm_eps = 1e-6, logits_soft_cap = 30, attention_dropout = 0;
  std::vector<std::string> block_types = {"recurrent", "recurrent", "attention"};  // again and again
  bool attention_bias = false;
  std::optional<double> rope_theta;
  double partial_rotary_factor = 0.5;
  JsonText rope_parameters;
  // Of no effect: how weights are drawn, and what follows from the others or is always so.
  JsonText w_init_variance_scale, final_w_init_variance_scale, head_dim, embeddings_scale_by_sqrt_dim;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             attention_window_size, conv1d_width, num_key_value_heads, lru_width, hidden_activation, rms_norm_eps,
             logits_soft_cap, attention_dropout, block_types, attention_bias, rope_theta, partial_rotary_factor,
             rope_parameters, w_init_variance_scale, final_w_init_variance_scale, head_dim,
             embeddings_scale_by_sqrt_dim)

  RecurrentGemmaConfig();
  void validate() const override;
  int64_t width() const { return lru_width.value_or(hidden_size); }
};

struct Attention : nn::GroupedQueryAttention<> {
  Attention(const RecurrentGemmaConfig& c, int64_t layer);
};

struct DecoderLayer : Module {
  nn::ZeroCenteredRMSNorm temporal_pre_norm, channel_pre_norm;
  std::optional<nn::GatedRecurrence> recurrent;  // one of both, under one name
  std::optional<Attention> attention;
  nn::GatedMLP mlp_block;
  void each_field(FieldVisitor& visitor);

  DecoderLayer(const RecurrentGemmaConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const Tensor& starts, const nn::RotaryContext& context) const;
};

struct RecurrentGemmaModel : nn::Backbone<RecurrentGemmaConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embed_tokens.weight";
  nn::Embedding embed_tokens;
  std::vector<DecoderLayer> layers;
  nn::ZeroCenteredRMSNorm final_norm;
  FIELDS(embed_tokens, layers, final_norm)

  explicit RecurrentGemmaModel(const RecurrentGemmaConfig& c);
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  nn::Rotary rotary_;
};

struct LMHead : nn::SoftcappedLMHead {
  explicit LMHead(const RecurrentGemmaConfig& c) : SoftcappedLMHead(c, c.logits_soft_cap) {}
};

using RecurrentGemmaForCausalLM = nn::ForCausalLM<RecurrentGemmaModel, LMHead>;

}  // namespace imago::recurrent_gemma
