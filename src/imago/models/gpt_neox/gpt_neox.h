// GPT-NeoX (Black et al. 2022, "GPT-NeoX-20B: An Open-Source Autoregressive Language Model").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/grouped_query_attention.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"

namespace imago::gpt_neox {

struct GPTNeoXConfig : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "gpt_neox";
  int64_t vocab_size = 50432, hidden_size = 6144, intermediate_size = 24576;
  int64_t num_hidden_layers = 44, num_attention_heads = 64;
  std::string hidden_act = "gelu";
  int64_t max_position_embeddings = 2048;
  double layer_norm_eps = 1e-5;
  bool use_parallel_residual = true, attention_bias = true;
  bool is_decoder = false;  // of no effect: it always is one
  std::optional<double> rotary_pct, rotary_emb_base;
  JsonText rope_parameters, rope_scaling;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, hidden_act,
             max_position_embeddings, layer_norm_eps, use_parallel_residual, attention_bias, is_decoder, rotary_pct,
             rotary_emb_base, rope_parameters, rope_scaling)

  GPTNeoXConfig();
  void validate() const override;
  std::vector<nn::DroppedByDefault> dropped_by_default() const override { return {{"classifier_dropout", 0.1, true}}; }
};

// Each head's query, key and value stand side by side in one matrix; the first channels of a head tell positions.
struct Attention : Module {
  nn::Linear query_key_value, dense;
  FIELDS(query_key_value, dense)

  Attention(const GPTNeoXConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;

  int64_t heads, layer;
};

struct MLP : Module {
  nn::Linear dense_h_to_4h, dense_4h_to_h;
  FIELDS(dense_h_to_4h, dense_4h_to_h)

  explicit MLP(const GPTNeoXConfig& c);
  Tensor operator()(const Tensor& x_BTD) const { return dense_4h_to_h(activation(dense_h_to_4h(x_BTD))); }

  nn::Activation activation;
};

struct Layer : Module {
  nn::LayerNorm input_layernorm, post_attention_layernorm;
  Attention attention;
  MLP mlp;
  FIELDS(input_layernorm, post_attention_layernorm, attention, mlp)

  Layer(const GPTNeoXConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;

  bool parallel_residual;
};

struct GPTNeoXModel : nn::Backbone<GPTNeoXConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "gpt_neox";
  static constexpr const char* kInputEmbeddings = "embed_in.weight";
  nn::Embedding embed_in;
  std::vector<Layer> layers;
  nn::LayerNorm final_layer_norm;
  FIELDS(embed_in, layers, final_layer_norm)

  explicit GPTNeoXModel(const GPTNeoXConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  nn::Rotary rotary_;
};

using GPTNeoXForCausalLM = nn::ForCausalLM<GPTNeoXModel>;
using GPTNeoXForSequenceClassification = nn::ScoreAtLastToken<GPTNeoXModel>;
using GPTNeoXForTokenClassification = nn::ForTokenClassification<GPTNeoXModel>;
using GPTNeoXForQuestionAnswering = nn::ForQuestionAnswering<GPTNeoXModel>;

}  // namespace imago::gpt_neox
