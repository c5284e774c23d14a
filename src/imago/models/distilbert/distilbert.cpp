// B batch, T tokens, D hidden.
#include "imago/models/distilbert/distilbert.h"

#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::distilbert {
namespace {

constexpr double kEpsilon = 1e-12;  // no key of config.json says it

}  // namespace

Embeddings::Embeddings(const DistilBertConfig& c)
    : word_embeddings(c.vocab_size, c.dim, c.pad_token_id),
      position_embeddings(c.max_position_embeddings, c.dim),
      LayerNorm(c.dim, kEpsilon) {}

Tensor Embeddings::operator()(const TextInputs& in) const {
  const Tensor words_BTD = nn::embed(in, word_embeddings);
  return LayerNorm(words_BTD + nn::position_embeddings(in, words_BTD, position_embeddings, "max_position_embeddings"));
}

FFN::FFN(const DistilBertConfig& c)
    : lin1(c.dim, c.hidden_dim), lin2(c.hidden_dim, c.dim), activation(nn::activation(c.activation)) {}

TransformerBlock::TransformerBlock(const DistilBertConfig& c, int64_t layer)
    : attention({.hidden_size = c.dim, .heads = c.n_heads, .layer = layer}),
      sa_layer_norm(c.dim, kEpsilon),
      output_layer_norm(c.dim, kEpsilon),
      ffn(c) {}

Tensor TransformerBlock::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor h_BTD = sa_layer_norm(attention(x_BTD, context) + x_BTD);
  return output_layer_norm(ffn(h_BTD) + h_BTD);
}

DistilBertModel::DistilBertModel(const DistilBertConfig& c) : Backbone(c), embeddings(c) {
  for (int64_t layer = 0; layer < c.n_layers; ++layer) transformer.layer.emplace_back(c, layer);
}

WeightMap DistilBertModel::weight_map() const {
  return {.base_model_prefix = "distilbert", .ignored = {"*embeddings.position_ids"}};
}

BaseModelOutput DistilBertModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = embeddings(in);
  const nn::AttentionContext context = nn::full_attention(in, x_BTD, record);
  for (const TransformerBlock& block : transformer.layer) x_BTD = block(record(x_BTD), context);
  return record.finish(x_BTD);
}

}  // namespace imago::distilbert

REGISTER_MODELS(distilbert, DistilBertModel, DistilBertForMaskedLM, DistilBertForSequenceClassification,
                DistilBertForMultipleChoice, DistilBertForTokenClassification, DistilBertForQuestionAnswering)
