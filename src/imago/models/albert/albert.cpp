// B batch, T tokens, D hidden.
#include "imago/models/albert/albert.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::albert {

AlbertConfig::AlbertConfig() {
  vocab_size = 30000;
  hidden_size = 4096;
  num_attention_heads = 64;
  intermediate_size = 16384;
  hidden_act = "gelu_new";
  bos_token_id = 2;
  eos_token_id = {3};
}

void AlbertConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  if (is_decoder || add_cross_attention)
    throw Error(ErrorKind::kUnsupported, "config.json", "is_decoder", "ALBERT is an encoder only");
  if (num_hidden_groups >= 1 && inner_group_num >= 1 && num_hidden_groups <= num_hidden_layers) return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              fmt::format("{} layers in {} groups of {}", num_hidden_layers, num_hidden_groups, inner_group_num),
              "set num_hidden_groups and inner_group_num to at least 1, and no more groups than layers");
}

Attention::Attention(const AlbertConfig& c)
    : MultiHeadAttention({.hidden_size = c.hidden_size, .heads = c.num_attention_heads}),
      LayerNorm(c.hidden_size, c.layer_norm_eps) {}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  return LayerNorm(x_BTD + MultiHeadAttention::operator()(x_BTD, context));
}

Layer::Layer(const AlbertConfig& c)
    : full_layer_layer_norm(c.hidden_size, c.layer_norm_eps),
      attention(c),
      ffn(c.hidden_size, c.intermediate_size),
      ffn_output(c.intermediate_size, c.hidden_size),
      activation(nn::activation(c.hidden_act)) {}

Tensor Layer::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor h_BTD = attention(x_BTD, context);
  return full_layer_layer_norm(ffn_output(activation(ffn(h_BTD))) + h_BTD);
}

Transformer::Transformer(const AlbertConfig& c)
    : embedding_hidden_mapping_in(c.embedding_size, c.hidden_size),
      albert_layer_groups(static_cast<size_t>(c.num_hidden_groups), LayerGroup(c)) {}

BaseModelOutput Transformer::operator()(const Tensor& embeddings, const TextInputs& in, int64_t layers) const {
  nn::Recorder record(in);
  Tensor x_BTD = embedding_hidden_mapping_in(embeddings);
  const nn::AttentionContext context = nn::full_attention(in, x_BTD, record);
  // Divided as the reference divides, since groups of unequal size begin where its quotients say.
  const double layers_per_group = static_cast<double>(layers) / static_cast<double>(albert_layer_groups.size());
  for (int64_t index = 0; index < layers; ++index) {
    const auto group = static_cast<size_t>(static_cast<double>(index) / layers_per_group);
    for (const Layer& layer : albert_layer_groups[group].albert_layers) x_BTD = layer(record(x_BTD), context);
  }
  return record.finish(x_BTD);
}

AlbertModel::AlbertModel(const AlbertConfig& c, bool add_pooling_layer)
    : Backbone(c), embeddings(c, c.embedding_size), encoder(c) {
  if (add_pooling_layer) pooler = nn::Linear(c.hidden_size, c.hidden_size);
}

WeightMap AlbertModel::weight_map() const {
  return {.base_model_prefix = "albert",
          .ignored = {"*embeddings.position_ids", "*pooler.weight", "*pooler.bias"},  // of models that do not read it
          .optional = {"pooler.*"}};
}

BaseModelOutput AlbertModel::forward(const TextInputs& in) const {
  BaseModelOutput out = encoder(embeddings(in), in, config().num_hidden_layers);
  if (pooler.weight) out.pooler_output = tanh(pooler(select(out.last_hidden_state, 1, 0)));
  return out;
}

void PreTrainingHeads::each_field(FieldVisitor& visitor) {
  imago::internal::visit_field(visitor, "predictions", predictions);
  imago::internal::visit_field(visitor, "sop_classifier.classifier", sop_classifier);
}

PreTrainingOutput AlbertForPreTraining::forward(const TextInputs& in) const {
  return nn::pretrain(
      base, [this](const Tensor& x) { return head.predictions(x); },
      [this](const Tensor& x) { return head.sop_classifier(x); }, nn::PairTask::kSentenceOrder, in);
}

}  // namespace imago::albert

REGISTER_MODELS(albert, AlbertModel, AlbertForPreTraining, AlbertForMaskedLM, AlbertForSequenceClassification,
                AlbertForMultipleChoice, AlbertForTokenClassification, AlbertForQuestionAnswering)
