// DistilBERT (Sanh et al. 2019, "DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter").
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/multi_head_attention.h"

namespace imago::distilbert {

struct DistilBertConfig : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "distilbert";
  int64_t vocab_size = 30522, max_position_embeddings = 512, n_layers = 6, n_heads = 12, dim = 768, hidden_dim = 3072;
  std::string activation = "gelu";
  FIELDS_AND(Config, vocab_size, max_position_embeddings, n_layers, n_heads, dim, hidden_dim, activation)

  DistilBertConfig() { pad_token_id = 0; }
  void validate() const override { require_heads("dim", dim, "n_heads", n_heads); }
  std::vector<nn::DroppedByDefault> dropped_by_default() const override {
    return {
        {"dropout", 0.1}, {"attention_dropout", 0.1}, {"qa_dropout", 0.1, true}, {"seq_classif_dropout", 0.2, true}};
  }
};

struct Embeddings : Module {
  nn::Embedding word_embeddings, position_embeddings;
  nn::LayerNorm LayerNorm;
  FIELDS(word_embeddings, position_embeddings, LayerNorm)

  explicit Embeddings(const DistilBertConfig& c);
  Tensor operator()(const TextInputs& in) const;
};

// lin2(activation(lin1 x))
struct FFN : Module {
  nn::Linear lin1, lin2;
  FIELDS(lin1, lin2)

  explicit FFN(const DistilBertConfig& c);
  Tensor operator()(const Tensor& x_BTD) const { return lin2(activation(lin1(x_BTD))); }

  nn::Activation activation;
};

struct TransformerBlock : Module {
  nn::MultiHeadAttention<"q_lin", "k_lin", "v_lin", "out_lin"> attention;
  nn::LayerNorm sa_layer_norm, output_layer_norm;
  FFN ffn;
  FIELDS(attention, sa_layer_norm, ffn, output_layer_norm)

  TransformerBlock(const DistilBertConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;
};

struct Transformer : Module {
  std::vector<TransformerBlock> layer;
  FIELDS(layer)
};

struct DistilBertModel : nn::Backbone<DistilBertConfig, nn::TextEncoder> {
  static constexpr nn::FieldName kBaseModelPrefix = "distilbert";
  static constexpr const char* kInputEmbeddings = "embeddings.word_embeddings.weight";
  Embeddings embeddings;
  Transformer transformer;
  FIELDS(embeddings, transformer)

  explicit DistilBertModel(const DistilBertConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;
};

struct LMHead : nn::FlatLMHead<"vocab_transform", "vocab_layer_norm", "vocab_projector"> {
  explicit LMHead(const DistilBertConfig& c) : FlatLMHead(c, c.activation, 1e-12) {}
};

// classifier(relu(pre_classifier x)), with what Scores says of the classifier.
template <class Scores>
struct PreClassifier : Module {
  nn::Linear pre_classifier;
  Scores classifier;
  FIELDS(pre_classifier, classifier)

  explicit PreClassifier(const DistilBertConfig& c) : pre_classifier(c.dim, c.dim), classifier(c) {}
  Tensor operator()(const Tensor& x) const { return classifier(nn::activation("relu")(pre_classifier(x))); }
};

using DistilBertForMaskedLM = nn::AlsoServes<nn::ForMaskedLM<DistilBertModel, LMHead, "">, "AutoModelForPreTraining">;
using DistilBertForSequenceClassification =
    nn::ForSequenceClassification<DistilBertModel, nn::Pooling::kFirstToken, PreClassifier<nn::LabelScores<true>>, "">;
using DistilBertForMultipleChoice =
    nn::ForMultipleChoice<DistilBertModel, nn::Pooling::kFirstToken, PreClassifier<nn::Scores<1>>, "">;
using DistilBertForTokenClassification = nn::ForTokenClassification<DistilBertModel>;
using DistilBertForQuestionAnswering = nn::ForQuestionAnswering<DistilBertModel>;

}  // namespace imago::distilbert
