// DistilBERT (Sanh et al. 2019, "DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter"). B
// batch, T tokens, D hidden.
#include "imago/nn/backbone.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/feed_forward.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::distilbert {

constexpr double kEpsilon = 1e-12;  // no key of config.json says it

struct DistilBertConfig : Config, nn::DropsBeforeHead {
  static constexpr const char* kModelType = "distilbert";
  int64_t vocab_size = 30522, max_position_embeddings = 512, n_layers = 6, n_heads = 12, dim = 768, hidden_dim = 3072;
  std::string activation = "gelu";
  double dropout = 0.1, attention_dropout = 0.1, qa_dropout = 0.1, seq_classif_dropout = 0.2;
  FIELDS_AND(Config, vocab_size, max_position_embeddings, n_layers, n_heads, dim, hidden_dim, activation, dropout,
             attention_dropout, qa_dropout, seq_classif_dropout)

  DistilBertConfig() { pad_token_id = 0; }
  void validate() const override { require_heads("dim", dim, "n_heads", n_heads); }
  double head_dropout() const override { return 0; }  // PreClassifier drops within
  double token_dropout() const override { return dropout; }
};

struct Embeddings : Module {
  nn::Embedding word_embeddings, position_embeddings;
  nn::LayerNorm LayerNorm;
  FIELDS(word_embeddings, position_embeddings, LayerNorm)

  explicit Embeddings(const DistilBertConfig& c)
      : word_embeddings(c.vocab_size, c.dim, c.pad_token_id),
        position_embeddings(c.max_position_embeddings, c.dim),
        LayerNorm(c.dim, kEpsilon),
        dropped(c.dropout) {}
  Tensor operator()(const TextInputs& in) const {
    const Tensor words = nn::embed(in, word_embeddings);
    const Tensor places = nn::position_embeddings(in, words, position_embeddings, "max_position_embeddings");
    return nn::dropout(LayerNorm(words + places), dropped);
  }

  double dropped;
};

struct TransformerBlock : Module {
  nn::MultiHeadAttention<"q_lin", "k_lin", "v_lin", "out_lin"> attention;
  nn::LayerNorm sa_layer_norm, output_layer_norm;
  nn::FeedForward<"lin1", "lin2"> ffn;
  FIELDS(attention, sa_layer_norm, ffn, output_layer_norm)

  TransformerBlock(const DistilBertConfig& c, int64_t layer)
      : attention({.hidden_size = c.dim, .heads = c.n_heads, .layer = layer}),
        sa_layer_norm(c.dim, kEpsilon),
        output_layer_norm(c.dim, kEpsilon),
        ffn(c.dim, c.hidden_dim, c.activation, c.dropout) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    const Tensor h_BTD = sa_layer_norm(attention(x_BTD, context) + x_BTD);
    return output_layer_norm(ffn(h_BTD) + h_BTD);
  }
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

  explicit DistilBertModel(const DistilBertConfig& c) : Backbone(c), embeddings(c) {
    for (int64_t layer = 0; layer < c.n_layers; ++layer) transformer.layer.emplace_back(c, layer);
  }
  WeightMap weight_map() const override {
    return {.base_model_prefix = "distilbert", .ignored = {"*embeddings.position_ids"}};
  }
  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = embeddings(in);
    const nn::AttentionContext context = nn::full_attention(in, x_BTD, record);
    const nn::AttentionDropout attention_dropout(config().attention_dropout);
    for (const TransformerBlock& block : transformer.layer) x_BTD = block(record(x_BTD), context);
    return record.finish(x_BTD);
  }
};

struct LMHead : nn::FlatLMHead<"vocab_transform", "vocab_layer_norm", "vocab_projector"> {
  explicit LMHead(const DistilBertConfig& c) : FlatLMHead(c, c.activation, kEpsilon) {}
};

// classifier(relu(pre_classifier x)), with what Scores says of the classifier.
template <class Scores>
struct PreClassifier : Module {
  nn::Linear pre_classifier;
  Scores classifier;
  FIELDS(pre_classifier, classifier)

  explicit PreClassifier(const DistilBertConfig& c)
      : pre_classifier(c.dim, c.dim), classifier(c), dropped(c.seq_classif_dropout) {}
  Tensor operator()(const Tensor& x) const {
    return classifier(nn::dropout(nn::activation("relu")(pre_classifier(x)), dropped));
  }

  double dropped;
};

struct AnswerScores : nn::Scores<2> {
  explicit AnswerScores(const DistilBertConfig& c) : Scores(c), dropped(c.qa_dropout) {}
  Tensor operator()(const Tensor& x_BTD) const { return Linear::operator()(nn::dropout(x_BTD, dropped)); }

  double dropped;
};

using DistilBertForMaskedLM = nn::AlsoServes<nn::ForMaskedLM<DistilBertModel, LMHead, "">, "AutoModelForPreTraining">;
using DistilBertForSequenceClassification =
    nn::ForSequenceClassification<DistilBertModel, nn::Pooling::kFirstToken, PreClassifier<nn::LabelScores<true>>, "">;
using DistilBertForMultipleChoice =
    nn::ForMultipleChoice<DistilBertModel, nn::Pooling::kFirstToken, PreClassifier<nn::Scores<1>>, "">;
using DistilBertForTokenClassification = nn::ForTokenClassification<DistilBertModel>;
using DistilBertForQuestionAnswering =
    nn::ForQuestionAnswering<DistilBertModel, "qa_outputs", "distilbert", AnswerScores>;

}  // namespace imago::distilbert

REGISTER_MODELS(distilbert, DistilBertModel, DistilBertForMaskedLM, DistilBertForSequenceClassification,
                DistilBertForMultipleChoice, DistilBertForTokenClassification, DistilBertForQuestionAnswering)
