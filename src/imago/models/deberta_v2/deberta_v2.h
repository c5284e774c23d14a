// DeBERTa, versions 2 and 3 (He et al. 2020, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention"; He et al.
// 2021, "DeBERTaV3"). B batch, T tokens, D hidden, H heads, K head size.
#pragma once

#include "imago/models/bert/bert.h"
#include "imago/nn/disentangled_attention.h"

namespace imago::deberta_v2 {

struct DebertaV2Config : bert::DropoutConfig {
  static constexpr const char* kModelType = "deberta-v2";
  bool relative_attention = false, position_biased_input = true, share_att_key = false, legacy = true;
  int64_t max_relative_positions = -1, position_buckets = -1, conv_kernel_size = 0, conv_groups = 1;
  std::optional<int64_t> embedding_size, attention_head_size, pooler_hidden_size;
  JsonText pos_att_type;  // ["c2p", "p2c"], or "c2p|p2c"
  std::string norm_rel_ebd = "none", conv_act = "tanh", pooler_hidden_act = "gelu";
  double pooler_dropout = 0;
  std::optional<double> cls_dropout;
  JsonText padding_idx;  // of no effect: another name of pad_token_id
  FIELDS_AND(DropoutConfig, relative_attention, position_biased_input, share_att_key, legacy, max_relative_positions,
             position_buckets, conv_kernel_size, conv_groups, embedding_size, attention_head_size, pooler_hidden_size,
             pos_att_type, norm_rel_ebd, conv_act, pooler_hidden_act, pooler_dropout, cls_dropout, padding_idx)

  DebertaV2Config();
  void validate() const override;
  // "c2p": content attends to positions; "p2c": positions attend to content.
  bool attends(std::string_view kind) const { return pos_att_type.text.find(kind) != std::string::npos; }
  int64_t max_distance() const { return max_relative_positions < 1 ? max_position_embeddings : max_relative_positions; }
  nn::DisentangledOptions attention() const;
  double head_dropout() const override { return pooler_dropout; }
  double token_dropout() const override { return hidden_dropout_prob; }
};

struct Embeddings : Module {
  nn::Embedding word_embeddings, position_embeddings, token_type_embeddings;
  nn::Linear embed_proj;
  nn::LayerNorm LayerNorm;
  FIELDS(word_embeddings, position_embeddings, token_type_embeddings, embed_proj, LayerNorm)

  explicit Embeddings(const DebertaV2Config& c);
  Tensor operator()(const TextInputs& in) const;

  double dropped;
};

// LayerNorm(dense(x) + residual)
struct AttentionOutput : bert::Output {
  explicit AttentionOutput(const DebertaV2Config& c) : Output(c) { dense = nn::Linear(c.hidden_size, c.hidden_size); }
};

struct Attention : Module {
  nn::DisentangledAttention self;
  AttentionOutput output;
  FIELDS(self, output)

  explicit Attention(const DebertaV2Config& c) : self(c.attention()), output(c) {}
};

struct Layer : Module {
  Attention attention;
  bert::Intermediate intermediate;
  bert::Output output;
  FIELDS(attention, intermediate, output)

  explicit Layer(const DebertaV2Config& c) : attention(c), intermediate(c), output(c) {}
  Tensor operator()(const Tensor& x_BTD, const nn::DisentangledContext& context) const;
};

// LayerNorm(residual + activation(conv x)), zero at padding.
struct ConvolutionLayer : Module {
  nn::Linear conv;  // a weight [D, D / groups, kernel] and a bias
  nn::LayerNorm LayerNorm;
  FIELDS(conv, LayerNorm)

  explicit ConvolutionLayer(const DebertaV2Config& c);
  Tensor operator()(const Tensor& x_BTD, const Tensor& residual_BTD, const Tensor& attention_mask) const;

  nn::Activation activation;
  int64_t kernel, groups;
  double dropped;
};

struct Encoder : Module {
  std::vector<Layer> layer;
  nn::Embedding rel_embeddings;
  nn::LayerNorm LayerNorm;
  std::optional<ConvolutionLayer> conv;
  FIELDS(layer, rel_embeddings, LayerNorm, conv)

  explicit Encoder(const DebertaV2Config& c);
  BaseModelOutput operator()(const Tensor& embeddings, const TextInputs& in, const DebertaV2Config& c) const;
};

struct DebertaV2Model : nn::Backbone<DebertaV2Config, nn::TextEncoder> {
  static constexpr nn::FieldName kBaseModelPrefix = "deberta";
  static constexpr const char* kInputEmbeddings = "embeddings.word_embeddings.weight";
  Embeddings embeddings;
  Encoder encoder;
  FIELDS(embeddings, encoder)

  explicit DebertaV2Model(const DebertaV2Config& c) : Backbone(c), embeddings(c), encoder(c) {}
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override { return encoder(embeddings(in), in, config()); }
};

// At cls.predictions as BERT's, or at lm_predictions.lm_head, where its decoder always is the word embeddings.
struct LMHead : nn::TransformedScores {
  explicit LMHead(const DebertaV2Config& c);
  void each_field(FieldVisitor& visitor);
  nn::Ties ties(const std::string&, const std::string& embeddings) const;

  bool legacy;
};

// classifier(activation(pooler x))
template <class Scores>
struct PooledScores : Module {
  nn::Linear pooler;
  Scores classifier;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, "pooler.dense", pooler);
    imago::internal::visit_field(visitor, "classifier", classifier);
  }

  explicit PooledScores(const DebertaV2Config& c)
      : pooler(c.hidden_size, c.hidden_size),
        classifier(c),
        activation(nn::activation(c.pooler_hidden_act)),
        dropped(c.cls_dropout.value_or(c.hidden_dropout_prob)) {}
  Tensor operator()(const Tensor& x) const { return classifier(nn::dropout(activation(pooler(x)), dropped)); }

  nn::Activation activation;
  double dropped;
};

// Throws Error kUnsupported for labels that are probabilities, which another loss than elsewhere is for.
struct DebertaV2ForSequenceClassification
    : nn::ForSequenceClassification<DebertaV2Model, nn::Pooling::kFirstToken, PooledScores<nn::LabelScores<true>>, ""> {
  using ForSequenceClassification::ForSequenceClassification;
  LogitsOutput forward(const TextInputs& in) const override;
};

using DebertaV2ForMaskedLM = nn::AlsoServes<nn::ForMaskedLM<DebertaV2Model, LMHead, "">, "AutoModelForPreTraining">;
using DebertaV2ForMultipleChoice =
    nn::ForMultipleChoice<DebertaV2Model, nn::Pooling::kFirstToken, PooledScores<nn::Scores<1>>, "">;
using DebertaV2ForTokenClassification = nn::ForTokenClassification<DebertaV2Model>;
using DebertaV2ForQuestionAnswering = nn::ForQuestionAnswering<DebertaV2Model>;

}  // namespace imago::deberta_v2
