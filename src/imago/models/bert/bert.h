// BERT (Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/dropout.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/pretraining.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/ops/operators.h"

namespace imago::bert {

struct BertConfig : Config {
  static constexpr const char* kModelType = "bert";
  int64_t vocab_size = 30522, hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  std::string hidden_act = "gelu";
  int64_t max_position_embeddings = 512, type_vocab_size = 2;
  double layer_norm_eps = 1e-12;
  bool is_decoder = false, add_cross_attention = false;
  double hidden_dropout_prob = 0, attention_probs_dropout_prob = 0;  // see DropoutConfig
  FIELDS_AND(Config, vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, hidden_act,
             max_position_embeddings, type_vocab_size, layer_norm_eps, is_decoder, add_cross_attention)

  BertConfig() { pad_token_id = 0; }
  void validate() const override;
};

// BERT's own configuration. Architectures that are built of its layers drop elsewhere as well, and do not say these.
struct DropoutConfig : BertConfig, nn::DropsBeforeHead {
  std::optional<double> classifier_dropout;
  FIELDS_AND(BertConfig, hidden_dropout_prob, attention_probs_dropout_prob, classifier_dropout)

  DropoutConfig() { hidden_dropout_prob = attention_probs_dropout_prob = 0.1; }
  double head_dropout() const override { return classifier_dropout.value_or(hidden_dropout_prob); }
};

struct Embeddings : Module {
  nn::Embedding word_embeddings, position_embeddings, token_type_embeddings;
  nn::LayerNorm LayerNorm;
  FIELDS(word_embeddings, position_embeddings, token_type_embeddings, LayerNorm)

  explicit Embeddings(const BertConfig& c) : Embeddings(c, c.hidden_size) {}
  Embeddings(const BertConfig& c, int64_t size);
  Tensor sum(const TextInputs& in) const;
  Tensor operator()(const TextInputs& in) const { return nn::dropout(LayerNorm(sum(in)), dropped); }

  double dropped;
};

// LayerNorm(attention(x) + x)
struct Attention : Module {
  nn::MultiHeadAttention<"self.query", "self.key", "self.value", "output.dense"> projections;
  nn::LayerNorm norm;
  void each_field(FieldVisitor& visitor) {
    projections.each_field(visitor);
    imago::internal::visit_field(visitor, "output.LayerNorm", norm);
  }

  Attention(const BertConfig& c, int64_t layer)
      : projections({.hidden_size = c.hidden_size, .heads = c.num_attention_heads, .layer = layer}),
        norm(c.hidden_size, c.layer_norm_eps),
        dropped(c.hidden_dropout_prob) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    return add(projections(x_BTD, context), x_BTD);
  }
  Tensor add(const Tensor& attended_BTD, const Tensor& x_BTD) const {
    return norm(nn::dropout(attended_BTD, dropped) + x_BTD);
  }

  double dropped;
};

// LayerNorm(dense(x) + residual)
struct Output : Module {
  nn::Linear dense;
  nn::LayerNorm LayerNorm;
  FIELDS(dense, LayerNorm)

  explicit Output(const BertConfig& c)
      : dense(c.intermediate_size, c.hidden_size),
        LayerNorm(c.hidden_size, c.layer_norm_eps),
        dropped(c.hidden_dropout_prob) {}
  Tensor operator()(const Tensor& x, const Tensor& residual_BTD) const {
    return LayerNorm(nn::dropout(dense(x), dropped) + residual_BTD);
  }

  double dropped;
};

// activation(dense(x))
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
  std::optional<Attention> crossattention;
  Intermediate intermediate;
  Output output;
  FIELDS(attention, crossattention, intermediate, output)

  Layer(const BertConfig& c, int64_t layer) : attention(c, layer), intermediate(c), output(c) {
    if (c.add_cross_attention) crossattention.emplace(c, layer);
  }
  Tensor operator()(const Tensor& x_BTD, const nn::DecoderContext& context) const {
    Tensor h_BTD = attention(x_BTD, context.self);
    if (context.has_encoder()) h_BTD = (*crossattention)(h_BTD, context.cross);
    return output(intermediate(h_BTD), h_BTD);
  }
};

struct Encoder : Module {
  std::vector<Layer> layer;
  FIELDS(layer)

  explicit Encoder(const BertConfig& c) {
    for (int64_t index = 0; index < c.num_hidden_layers; ++index) layer.emplace_back(c, index);
  }
  BaseModelOutput operator()(Tensor x_BTD, const TextInputs& in, const BertConfig& c) const;
};

// Of BERT and those that have its layers: the model's field in one with a head is `prefix`.
WeightMap weight_map(std::string prefix);

// The model with the embeddings and the encoder of its kind. Config is a BertConfig, or has that as its base.
template <class C, class EmbeddingsType, nn::FieldName prefix, class EncoderType = Encoder, class Pooler = nn::Pooler,
          class Interface = nn::TextEncoder>
struct PooledEncoder : nn::Backbone<C, Interface> {
  static constexpr nn::FieldName kBaseModelPrefix = prefix;
  static constexpr const char* kInputEmbeddings = "embeddings.word_embeddings.weight";
  EmbeddingsType embeddings;
  EncoderType encoder;
  Pooler pooler;
  FIELDS(embeddings, encoder, pooler)

  explicit PooledEncoder(const C& c, bool add_pooling_layer = true)
      : nn::Backbone<C, Interface>(c), embeddings(c), encoder(c) {
    if (add_pooling_layer) pooler = Pooler(c.hidden_size);
  }
  WeightMap weight_map() const override { return bert::weight_map(prefix.string()); }
  BaseModelOutput forward(const TextInputs& in) const override {
    BaseModelOutput out = encoder(embeddings(in), in, this->config());
    if (pooler.defined()) out.pooler_output = pooler(out.last_hidden_state);
    return out;
  }
};

// For heads that look at tokens.
template <class Pooled>
struct WithoutPooler : Pooled {
  explicit WithoutPooler(const typename Pooled::ConfigType& c) : Pooled(c, false) {}
};

using BertModel = PooledEncoder<DropoutConfig, Embeddings, "bert">;
using BertWithoutPooler = WithoutPooler<BertModel>;

using LMPredictionHead = nn::TransformedLMHead<"transform.dense", "transform.LayerNorm">;

using PreTrainingHeads = nn::PreTrainingHeads<LMPredictionHead, "seq_relationship", nn::Scores<2>>;
using BertForPreTraining = nn::ForPreTraining<BertModel, PreTrainingHeads, "cls">;
using BertLMHeadModel = nn::ForCausalLM<BertWithoutPooler, LMPredictionHead, "cls.predictions">;
using BertForMaskedLM = nn::ForMaskedLM<BertWithoutPooler, LMPredictionHead, "cls.predictions">;
using BertForNextSentencePrediction = nn::ForNextSentencePrediction<BertModel, "cls.seq_relationship">;
using BertForSequenceClassification = nn::ForSequenceClassification<BertModel, nn::Pooling::kPooler>;
using BertForMultipleChoice = nn::ForMultipleChoice<BertModel>;
using BertForTokenClassification = nn::ForTokenClassification<BertWithoutPooler>;
using BertForQuestionAnswering = nn::ForQuestionAnswering<BertWithoutPooler>;

}  // namespace imago::bert
