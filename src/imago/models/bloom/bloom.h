// BLOOM (BigScience Workshop 2022, "BLOOM: A 176B-Parameter Open-Access Multilingual Language Model").
#pragma once

#include "imago/nn/attention.h"
#include "imago/nn/backbone.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"

namespace imago::bloom {

struct BloomConfig : Config {
  static constexpr const char* kModelType = "bloom";
  int64_t vocab_size = 250880, hidden_size = 64, n_layer = 2, n_head = 8;
  std::optional<int64_t> n_embed, num_hidden_layers, num_attention_heads;  // other names of the last three
  double layer_norm_epsilon = 1e-5;
  bool apply_residual_connection_post_layernorm = false;
  bool slow_but_exact = false;
  int64_t pretraining_tp = 1;
  // Of no effect, in published files: the training code's.
  JsonText n_inner, seq_length, offset_alibi, skip_bias_add, skip_bias_add_qkv, bias_dropout_fusion,
      masked_softmax_fusion, attention_softmax_in_fp32;
  FIELDS_AND(Config, vocab_size, hidden_size, n_layer, n_head, n_embed, num_hidden_layers, num_attention_heads,
             layer_norm_epsilon, apply_residual_connection_post_layernorm, slow_but_exact, pretraining_tp, n_inner,
             seq_length, offset_alibi, skip_bias_add, skip_bias_add_qkv, bias_dropout_fusion, masked_softmax_fusion,
             attention_softmax_in_fp32)

  BloomConfig();
  void validate() const override;
  int64_t output_size() const { return n_embed.value_or(hidden_size); }
  int64_t layers() const { return num_hidden_layers.value_or(n_layer); }
  int64_t heads() const { return num_attention_heads.value_or(n_head); }
};

// Each head's query, key and value stand side by side in one matrix.
struct Attention : Module {
  nn::Linear query_key_value, dense;
  FIELDS(query_key_value, dense)

  Attention(const BloomConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;

  int64_t heads, layer;
};

struct MLP : Module {
  nn::Linear dense_h_to_4h, dense_4h_to_h;
  FIELDS(dense_h_to_4h, dense_4h_to_h)

  explicit MLP(const BloomConfig& c);
  Tensor operator()(const Tensor& x_BTD) const;
};

struct Block : Module {
  nn::LayerNorm input_layernorm, post_attention_layernorm;
  Attention self_attention;
  MLP mlp;
  FIELDS(input_layernorm, self_attention, post_attention_layernorm, mlp)

  Block(const BloomConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;

  bool residual_after_norm;
};

struct BloomModel : nn::Backbone<BloomConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "transformer";
  static constexpr const char* kInputEmbeddings = "word_embeddings.weight";
  nn::Embedding word_embeddings;
  nn::LayerNorm word_embeddings_layernorm;
  std::vector<Block> h;
  nn::LayerNorm ln_f;
  FIELDS(word_embeddings, word_embeddings_layernorm, h, ln_f)

  explicit BloomModel(const BloomConfig& c);
  // Published checkpoints have no prefix but may have a head all the same.
  WeightMap weight_map() const override { return {.base_model_prefix = "transformer", .ignored = {"lm_head.weight"}}; }
  BaseModelOutput forward(const TextInputs& in) const override;
};

using BloomForCausalLM = nn::AlsoServes<nn::ForCausalLM<BloomModel>, "AutoModelForPreTraining">;
using BloomForSequenceClassification = nn::ScoreAtLastToken<BloomModel>;
using BloomForTokenClassification = nn::ForTokenClassification<BloomModel>;
using BloomForQuestionAnswering = nn::ForQuestionAnswering<BloomModel>;

}  // namespace imago::bloom
