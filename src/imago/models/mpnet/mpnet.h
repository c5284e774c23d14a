// MPNet (Song et al. 2020, "MPNet: Masked and Permuted Pre-training for Language Understanding").
#pragma once

#include "imago/models/bert/bert.h"
#include "imago/nn/default_dropout.h"

namespace imago::mpnet {

struct MPNetConfig : bert::BertConfig, nn::DropsByDefault {
  static constexpr const char* kModelType = "mpnet";
  int64_t relative_attention_num_buckets = 32;
  FIELDS_AND(BertConfig, relative_attention_num_buckets)

  MPNetConfig();
  void validate() const override;
  std::vector<nn::DroppedByDefault> dropped_by_default() const override {
    return {{"hidden_dropout_prob", 0.1}, {"attention_probs_dropout_prob", 0.1}};
  }
};

// Of words and positions; the latter begin behind kPadding, over what is not padding.
struct Embeddings : Module {
  nn::Embedding word_embeddings, position_embeddings;
  nn::LayerNorm LayerNorm;
  FIELDS(word_embeddings, position_embeddings, LayerNorm)

  explicit Embeddings(const MPNetConfig& c);
  Tensor operator()(const TextInputs& in) const;
};

struct Attention : Module {
  nn::MultiHeadAttention<"q", "k", "v", "o"> attn;
  nn::LayerNorm LayerNorm;
  FIELDS(attn, LayerNorm)

  explicit Attention(const MPNetConfig& c);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;
};

struct Layer : Module {
  Attention attention;
  bert::Intermediate intermediate;
  bert::Output output;
  FIELDS(attention, intermediate, output)

  explicit Layer(const MPNetConfig& c) : attention(c), intermediate(c), output(c) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;
};

struct Encoder : Module {
  std::vector<Layer> layer;
  nn::Embedding relative_attention_bias;
  FIELDS(layer, relative_attention_bias)

  explicit Encoder(const MPNetConfig& c);
  BaseModelOutput operator()(Tensor x_BTD, const TextInputs& in) const;
};

struct MPNetModel : nn::Backbone<MPNetConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "mpnet";
  static constexpr const char* kInputEmbeddings = "embeddings.word_embeddings.weight";
  Embeddings embeddings;
  Encoder encoder;
  nn::Pooler pooler;
  FIELDS(embeddings, encoder, pooler)

  explicit MPNetModel(const MPNetConfig& c, bool add_pooling_layer = true);
  WeightMap weight_map() const override { return bert::weight_map("mpnet"); }
  BaseModelOutput forward(const TextInputs& in) const override;
};

// Its activation is always gelu.
struct LMHead : nn::TransformedLMHead<"dense", "layer_norm"> {
  explicit LMHead(const MPNetConfig& c) : TransformedLMHead(c) { activation = nn::activation("gelu"); }
};

using MPNetWithoutPooler = bert::WithoutPooler<MPNetModel>;
using MPNetForMaskedLM =
    nn::AlsoServes<nn::ForMaskedLM<MPNetWithoutPooler, LMHead, "lm_head">, "AutoModelForPreTraining">;
using MPNetForSequenceClassification =
    nn::ForSequenceClassification<MPNetWithoutPooler, nn::Pooling::kFirstToken, nn::ClassificationHead>;
using MPNetForMultipleChoice = nn::ForMultipleChoice<MPNetModel>;
using MPNetForTokenClassification = nn::ForTokenClassification<MPNetWithoutPooler>;
using MPNetForQuestionAnswering = nn::ForQuestionAnswering<MPNetWithoutPooler>;

}  // namespace imago::mpnet
