// The Q-Former of BLIP-2: learned queries that attend to one another, to a text and to a picture.
#pragma once

#include "imago/models/bert/bert.h"

namespace imago::blip_2_qformer {

struct Blip2QFormerConfig : bert::BertConfig {
  static constexpr const char* kModelType = "blip_2_qformer";
  int64_t cross_attention_frequency = 2, encoder_hidden_size = 1408;
  bool use_qformer_text_input = false;
  JsonText classifier_dropout;  // nothing is classified
  FIELDS_AND(BertConfig, hidden_dropout_prob, attention_probs_dropout_prob, cross_attention_frequency,
             encoder_hidden_size, use_qformer_text_input, classifier_dropout)

  Blip2QFormerConfig() { hidden_dropout_prob = attention_probs_dropout_prob = 0.1; }
  void validate() const override;
};

// B batch, Q queries (and a text's tokens behind them), S vectors of a picture, D hidden.
struct QFormerInputs {
  Tensor query_embeds;            // [B, Q, D]
  Tensor attention_mask;          // [B, Q] 0 is padding
  Tensor encoder_hidden_states;   // [B, S, encoder_hidden_size]
  Tensor encoder_attention_mask;  // [B, S]
  Tensor query_length;            // a number: how many of query_embeds are no text; all where undefined
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  FIELDS(query_embeds, attention_mask, encoder_hidden_states, encoder_attention_mask, query_length)
};

// LayerNorm(attention(x) + x)
struct QFormerAttention : Module {
  nn::MultiHeadAttention<"attention.query", "attention.key", "attention.value", "output.dense"> projections;
  nn::LayerNorm norm;
  void each_field(FieldVisitor& visitor);

  QFormerAttention(const Blip2QFormerConfig& c, int64_t source_size);
  Tensor operator()(const Tensor& x_BQD, const nn::AttentionContext& context) const;

  double dropped;
};

struct QFormerLayer : Module {
  QFormerAttention attention;
  std::optional<QFormerAttention> crossattention;
  std::optional<bert::Intermediate> intermediate;  // of a text
  std::optional<bert::Output> output;
  bert::Intermediate intermediate_query;
  bert::Output output_query;
  FIELDS(attention, crossattention, intermediate, output, intermediate_query, output_query)

  QFormerLayer(const Blip2QFormerConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BQD, const nn::DecoderContext& context, int64_t queries) const;
  Tensor read_text(const Tensor& x_BQD) const;
};

struct QFormerEncoder : Module {
  std::vector<QFormerLayer> layer;
  FIELDS(layer)
};

struct Blip2QFormerModel : nn::Backbone<Blip2QFormerConfig, CallableModel<QFormerInputs, BaseModelOutput>> {
  static constexpr const char* kAutoClass = "AutoModel";
  nn::LayerNorm layernorm;
  QFormerEncoder encoder;
  FIELDS(layernorm, encoder)

  explicit Blip2QFormerModel(const Blip2QFormerConfig& c);
  WeightMap weight_map() const override { return {}; }
  BaseModelOutput forward(const QFormerInputs& in) const override;
};

}  // namespace imago::blip_2_qformer
