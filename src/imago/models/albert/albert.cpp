// ALBERT (Lan et al. 2019, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations"). B batch, T
// tokens, D hidden.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/models/bert/bert.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::albert {

struct AlbertConfig : bert::BertConfig, nn::DropsBeforeHead {
  static constexpr const char* kModelType = "albert";
  int64_t embedding_size = 128, num_hidden_groups = 1, inner_group_num = 1;
  double classifier_dropout_prob = 0.1;
  FIELDS_AND(BertConfig, embedding_size, num_hidden_groups, inner_group_num, hidden_dropout_prob,
             attention_probs_dropout_prob, classifier_dropout_prob)

  AlbertConfig() {
    vocab_size = 30000;
    hidden_size = 4096;
    num_attention_heads = 64;
    intermediate_size = 16384;
    hidden_act = "gelu_new";
    bos_token_id = 2;
    eos_token_id = {3};
  }
  void validate() const override {
    require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
    if (is_decoder || add_cross_attention)
      throw Error(ErrorKind::kUnsupported, "config.json", "is_decoder", "ALBERT is an encoder only");
    if (num_hidden_groups >= 1 && inner_group_num >= 1 && num_hidden_groups <= num_hidden_layers) return;
    throw Error(ErrorKind::kInvalidFile, "config.json",
                fmt::format("{} layers in {} groups of {}", num_hidden_layers, num_hidden_groups, inner_group_num),
                "set num_hidden_groups and inner_group_num to at least 1, and no more groups than layers");
  }
  double head_dropout() const override { return classifier_dropout_prob; }
};

// LayerNorm(x + dense(attention x))
struct Attention : nn::MultiHeadAttention<"query", "key", "value", "dense"> {
  nn::LayerNorm LayerNorm;
  FIELDS_AND(MultiHeadAttention, LayerNorm)

  explicit Attention(const AlbertConfig& c)
      : MultiHeadAttention({.hidden_size = c.hidden_size, .heads = c.num_attention_heads}),
        LayerNorm(c.hidden_size, c.layer_norm_eps),
        dropped(c.hidden_dropout_prob) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    return LayerNorm(x_BTD + nn::dropout(MultiHeadAttention::operator()(x_BTD, context), dropped));
  }

  double dropped;
};

struct Layer : Module {
  nn::LayerNorm full_layer_layer_norm;
  Attention attention;
  nn::Linear ffn, ffn_output;
  FIELDS(full_layer_layer_norm, attention, ffn, ffn_output)

  explicit Layer(const AlbertConfig& c)
      : full_layer_layer_norm(c.hidden_size, c.layer_norm_eps),
        attention(c),
        ffn(c.hidden_size, c.intermediate_size),
        ffn_output(c.intermediate_size, c.hidden_size),
        activation(nn::activation(c.hidden_act)) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    const Tensor h_BTD = attention(x_BTD, context);
    return full_layer_layer_norm(ffn_output(activation(ffn(h_BTD))) + h_BTD);
  }

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

  explicit Transformer(const AlbertConfig& c)
      : embedding_hidden_mapping_in(c.embedding_size, c.hidden_size),
        albert_layer_groups(static_cast<size_t>(c.num_hidden_groups), LayerGroup(c)) {}
  BaseModelOutput operator()(const Tensor& embeddings, const TextInputs& in, const AlbertConfig& c) const {
    nn::Recorder record(in);
    Tensor x_BTD = embedding_hidden_mapping_in(embeddings);
    const nn::AttentionContext context = nn::full_attention(in, x_BTD, record);
    const nn::AttentionDropout attention_dropout(c.attention_probs_dropout_prob);
    // Divided as the reference divides, since groups of unequal size begin where its quotients say.
    const double per_group = static_cast<double>(c.num_hidden_layers) / static_cast<double>(c.num_hidden_groups);
    for (int64_t index = 0; index < c.num_hidden_layers; ++index) {
      const auto group = static_cast<size_t>(static_cast<double>(index) / per_group);
      for (const Layer& layer : albert_layer_groups[group].albert_layers) x_BTD = layer(record(x_BTD), context);
    }
    return record.finish(x_BTD);
  }
};

// Of another size than the layers'.
struct Embeddings : bert::Embeddings {
  explicit Embeddings(const AlbertConfig& c) : bert::Embeddings(c, c.embedding_size) {}
};

using AlbertModel = bert::PooledEncoder<AlbertConfig, Embeddings, "albert", Transformer, nn::FlatPooler>;
using AlbertWithoutPooler = bert::WithoutPooler<AlbertModel>;
using LMHead = nn::TransformedLMHead<"dense", "LayerNorm">;

// Which of two sentences is the first.
struct OrderScores : nn::LabelScores<true> {
  explicit OrderScores(const AlbertConfig& c) : LabelScores(c), dropped(c.classifier_dropout_prob) {}
  Tensor operator()(const Tensor& x) const { return Linear::operator()(nn::dropout(x, dropped)); }

  double dropped;
};

using PreTrainingHeads = nn::PreTrainingHeads<LMHead, "sop_classifier.classifier", OrderScores>;
using AlbertForPreTraining = nn::ForPreTraining<AlbertModel, PreTrainingHeads, "", nn::PairTask::kSentenceOrder>;
using AlbertForMaskedLM = nn::ForMaskedLM<AlbertWithoutPooler, LMHead, "predictions">;
using AlbertForSequenceClassification = nn::ForSequenceClassification<AlbertModel, nn::Pooling::kPooler>;
using AlbertForMultipleChoice = nn::ForMultipleChoice<AlbertModel>;
using AlbertForTokenClassification = nn::ForTokenClassification<AlbertWithoutPooler>;
using AlbertForQuestionAnswering = nn::ForQuestionAnswering<AlbertWithoutPooler>;

}  // namespace imago::albert

REGISTER_MODELS(albert, AlbertModel, AlbertForPreTraining, AlbertForMaskedLM, AlbertForSequenceClassification,
                AlbertForMultipleChoice, AlbertForTokenClassification, AlbertForQuestionAnswering)
