// ALBERT (Lan et al. 2019, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations").
#pragma once

#include "imago/models/bert/bert.h"
#include "imago/nn/default_dropout.h"

namespace imago::albert {

struct AlbertConfig : bert::BertConfig, nn::DropsByDefault {
  static constexpr const char* kModelType = "albert";
  int64_t embedding_size = 128, num_hidden_groups = 1, inner_group_num = 1;
  FIELDS_AND(BertConfig, embedding_size, num_hidden_groups, inner_group_num)

  AlbertConfig();
  void validate() const override;
  std::vector<nn::DroppedByDefault> dropped_by_default() const override {
    return {{"classifier_dropout_prob", 0.1, true}};
  }
};

struct Attention : nn::MultiHeadAttention<"query", "key", "value", "dense"> {
  nn::LayerNorm LayerNorm;
  FIELDS_AND(MultiHeadAttention, LayerNorm)

  explicit Attention(const AlbertConfig& c);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;
};

struct Layer : Module {
  nn::LayerNorm full_layer_layer_norm;
  Attention attention;
  nn::Linear ffn, ffn_output;
  FIELDS(full_layer_layer_norm, attention, ffn, ffn_output)

  explicit Layer(const AlbertConfig& c);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;

  nn::Activation activation;
};

struct LayerGroup : Module {
  std::vector<Layer> albert_layers;
  FIELDS(albert_layers)

  explicit LayerGroup(const AlbertConfig& c) : albert_layers(static_cast<size_t>(c.inner_group_num), Layer(c)) {}
};

// Consecutive layers share the weights of a group.
struct Transformer : Module {
  nn::Linear embedding_hidden_mapping_in;
  std::vector<LayerGroup> albert_layer_groups;
  FIELDS(embedding_hidden_mapping_in, albert_layer_groups)

  explicit Transformer(const AlbertConfig& c);
  BaseModelOutput operator()(const Tensor& embeddings, const TextInputs& in, int64_t layers) const;
};

struct AlbertModel : nn::Backbone<AlbertConfig, nn::TextEncoder> {
  static constexpr nn::FieldName kBaseModelPrefix = "albert";
  static constexpr const char* kInputEmbeddings = "embeddings.word_embeddings.weight";
  bert::Embeddings embeddings;
  Transformer encoder;
  nn::Linear pooler;
  FIELDS(embeddings, encoder, pooler)

  explicit AlbertModel(const AlbertConfig& c, bool add_pooling_layer = true);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;
};

using AlbertWithoutPooler = bert::WithoutPooler<AlbertModel>;
using LMHead = nn::TransformedLMHead<"dense", "LayerNorm">;

struct PreTrainingHeads : Module {
  LMHead predictions;
  nn::LabelScores<true> sop_classifier;
  void each_field(FieldVisitor& visitor);

  explicit PreTrainingHeads(const AlbertConfig& c) : predictions(c), sop_classifier(c) {}
  nn::Ties ties(const std::string&, const std::string& embeddings) const {
    return predictions.ties("predictions", embeddings);
  }
};

struct AlbertForPreTraining : nn::WithHead<PreTraining, AlbertModel, PreTrainingHeads, ""> {
  using WithHead::WithHead;
  PreTrainingOutput forward(const TextInputs& in) const override;
};

using AlbertForMaskedLM = nn::ForMaskedLM<AlbertWithoutPooler, LMHead, "predictions">;
using AlbertForSequenceClassification = nn::ForSequenceClassification<AlbertModel, nn::Pooling::kPooler>;
using AlbertForMultipleChoice = nn::ForMultipleChoice<AlbertModel>;
using AlbertForTokenClassification = nn::ForTokenClassification<AlbertWithoutPooler>;
using AlbertForQuestionAnswering = nn::ForQuestionAnswering<AlbertWithoutPooler>;

}  // namespace imago::albert
