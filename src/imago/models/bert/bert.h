// BERT (Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/attention.h"
#include "imago/nn/layers.h"
#include "imago/nn/model.h"

namespace imago::bert {

struct BertConfig : Config {
  static constexpr const char* kModelType = "bert";
  int64_t vocab_size = 30522, hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  std::string hidden_act = "gelu";
  int64_t max_position_embeddings = 512, type_vocab_size = 2;
  double layer_norm_eps = 1e-12;
  bool is_decoder = false, add_cross_attention = false;
  std::optional<std::string> position_embedding_type;  // of old files; only "absolute" is left
  FIELDS_AND(Config, vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, hidden_act,
             max_position_embeddings, type_vocab_size, layer_norm_eps, is_decoder, add_cross_attention,
             position_embedding_type)

  BertConfig() { pad_token_id = 0; }
  void validate() const override;
};

struct Embeddings : Module {
  nn::Embedding word_embeddings, position_embeddings, token_type_embeddings;
  nn::LayerNorm LayerNorm;
  FIELDS(word_embeddings, position_embeddings, token_type_embeddings, LayerNorm)

  explicit Embeddings(const BertConfig& c);
  Tensor operator()(const TextInputs& in) const;
};

struct SelfAttention : Module {
  nn::Linear query, key, value;
  FIELDS(query, key, value)

  SelfAttention(const BertConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;

  int64_t heads, layer_index;
};

// What ends both halves of a layer: LayerNorm(dense(x) + residual).
struct Output : Module {
  nn::Linear dense;
  nn::LayerNorm LayerNorm;
  FIELDS(dense, LayerNorm)

  Output(const BertConfig& c, int64_t in_features);
  Tensor operator()(const Tensor& x, const Tensor& residual_BTD) const;
};

struct Attention : Module {
  SelfAttention self;
  Output output;
  FIELDS(self, output)

  Attention(const BertConfig& c, int64_t layer) : self(c, layer), output(c, c.hidden_size) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    return output(self(x_BTD, context), x_BTD);
  }
};

struct Intermediate : Module {
  nn::Linear dense;
  FIELDS(dense)

  explicit Intermediate(const BertConfig& c)
      : dense(c.hidden_size, c.intermediate_size), activation(nn::activation(c.hidden_act)) {}
  Tensor operator()(const Tensor& x_BTD) const { return activation(dense(x_BTD)); }

  nn::Activation activation;
};

struct Layer : Module {
  Attention attention;
  Intermediate intermediate;
  Output output;
  FIELDS(attention, intermediate, output)

  Layer(const BertConfig& c, int64_t layer) : attention(c, layer), intermediate(c), output(c, c.intermediate_size) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    const Tensor h_BTD = attention(x_BTD, context);
    return output(intermediate(h_BTD), h_BTD);
  }
};

struct Encoder : Module {
  std::vector<Layer> layer;
  FIELDS(layer)
};

// The first token's vector, for heads that judge the whole input. [B, T, D] -> [B, D]
struct Pooler : Module {
  nn::Linear dense;
  FIELDS(dense)

  Tensor operator()(const Tensor& x_BTD) const;
};

struct BertModel : TextModel {
  using ConfigType = BertConfig;
  static constexpr const char* kBaseModelPrefix = "bert";
  Embeddings embeddings;
  Encoder encoder;
  Pooler pooler;  // without a weight in a model that has none
  FIELDS(embeddings, encoder, pooler)

  explicit BertModel(const BertConfig& c, bool add_pooling_layer = true);
  const BertConfig& config() const override { return config_; }
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  BertConfig config_;
};

// For heads that look at tokens.
struct BertWithoutPooler : BertModel {
  explicit BertWithoutPooler(const BertConfig& c) : BertModel(c, false) {}
};

}  // namespace imago::bert
