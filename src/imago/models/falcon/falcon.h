// Falcon (Almazrouei et al. 2023, "The Falcon Series of Open Language Models").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/grouped_query_attention.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"

namespace imago::falcon {

struct FalconConfig : Config {
  static constexpr const char* kModelType = "falcon";
  int64_t vocab_size = 65024, hidden_size = 4544, num_hidden_layers = 32, num_attention_heads = 71;
  std::optional<int64_t> n_embed;  // another name of hidden_size
  std::optional<int64_t> num_kv_heads, ffn_hidden_size, num_ln_in_parallel_attn;
  bool new_decoder_architecture = false, multi_query = true, parallel_attn = true, bias = false, alibi = false;
  std::string activation = "gelu";
  int64_t max_position_embeddings = 2048;
  double layer_norm_epsilon = 1e-5;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  JsonText apply_residual_connection_post_layernorm, ff_factor;  // of no effect, in published files
  FIELDS_AND(Config, vocab_size, hidden_size, num_hidden_layers, num_attention_heads, n_embed, num_kv_heads,
             ffn_hidden_size, num_ln_in_parallel_attn, new_decoder_architecture, multi_query, parallel_attn, bias,
             alibi, activation, max_position_embeddings, layer_norm_epsilon, rope_theta, rope_parameters, rope_scaling,
             apply_residual_connection_post_layernorm, ff_factor)

  FalconConfig();
  void validate() const override;
  int64_t output_size() const { return n_embed.value_or(hidden_size); }
  int64_t head_size() const { return output_size() / num_attention_heads; }
  // Heads of keys and values, each with as many of the queries.
  int64_t groups() const;
  bool has_two_norms() const { return new_decoder_architecture && num_ln_in_parallel_attn.value_or(2) == 2; }
};

// Each group's queries, its key and its value stand side by side in one matrix.
struct Attention : Module {
  nn::Linear query_key_value, dense;
  FIELDS(query_key_value, dense)

  Attention(const FalconConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;

  int64_t heads, groups, head_size, layer;
};

struct MLP : Module {
  nn::Linear dense_h_to_4h, dense_4h_to_h;
  FIELDS(dense_h_to_4h, dense_4h_to_h)

  explicit MLP(const FalconConfig& c);
  Tensor operator()(const Tensor& x_BTD) const { return dense_4h_to_h(activation(dense_h_to_4h(x_BTD))); }

  nn::Activation activation;
};

// Both parts side by side, reading the same normalised input or one each; or, without parallel_attn, in turn.
struct DecoderLayer : Module {
  nn::LayerNorm input_layernorm, post_attention_layernorm, ln_attn, ln_mlp;
  Attention self_attention;
  MLP mlp;
  FIELDS(input_layernorm, post_attention_layernorm, ln_attn, ln_mlp, self_attention, mlp)

  DecoderLayer(const FalconConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;

  bool parallel, two_norms;
};

struct FalconModel : nn::Backbone<FalconConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "transformer";
  static constexpr const char* kInputEmbeddings = "word_embeddings.weight";
  nn::Embedding word_embeddings;
  std::vector<DecoderLayer> h;
  nn::LayerNorm ln_f;
  FIELDS(word_embeddings, h, ln_f)

  explicit FalconModel(const FalconConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  nn::Rotary rotary_;
};

using FalconForCausalLM = nn::ForCausalLM<FalconModel>;
using FalconForSequenceClassification = nn::ScoreAtLastToken<FalconModel>;
using FalconForTokenClassification = nn::ForTokenClassification<FalconModel>;
using FalconForQuestionAnswering = nn::ForQuestionAnswering<FalconModel>;

}  // namespace imago::falcon
