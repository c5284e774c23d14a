// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/bert/bert.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/models/bert/bert_heads.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::bert {

void BertConfig::validate() const {
  if (num_attention_heads < 1 || hidden_size % num_attention_heads != 0) {
    throw Error(ErrorKind::kInvalidFile, "config.json",
                fmt::format("hidden_size {} does not split into {} attention heads", hidden_size, num_attention_heads));
  }
  if (add_cross_attention) {
    throw Error(ErrorKind::kUnsupported, "config.json", "add_cross_attention: BERT as a decoder of another encoder");
  }
  if (position_embedding_type.value_or("absolute") != "absolute") {
    throw Error(ErrorKind::kUnsupported, "config.json",
                fmt::format("position_embedding_type \"{}\"", *position_embedding_type),
                "the reference has dropped relative positions of BERT, too");
  }
}

Embeddings::Embeddings(const BertConfig& c)
    : word_embeddings(c.vocab_size, c.hidden_size),
      position_embeddings(c.max_position_embeddings, c.hidden_size),
      token_type_embeddings(c.type_vocab_size, c.hidden_size),
      LayerNorm(c.hidden_size, c.layer_norm_eps) {}

Tensor Embeddings::operator()(const TextInputs& in) const {
  const Tensor words_BTD = nn::embeddings_or_lookup(in.inputs_embeds, in.input_ids, word_embeddings.weight);
  const Tensor types = in.token_type_ids ? in.token_type_ids : Tensor::zeros({1, words_BTD.size(1)}, DType::i64);
  const Tensor positions =
      nn::learned_positions(in, words_BTD.size(1), position_embeddings.weight.size(0), "max_position_embeddings");
  return LayerNorm(words_BTD + token_type_embeddings(types) + position_embeddings(positions));
}

SelfAttention::SelfAttention(const BertConfig& c, int64_t layer)
    : query(c.hidden_size, c.hidden_size),
      key(c.hidden_size, c.hidden_size),
      value(c.hidden_size, c.hidden_size),
      heads(c.num_attention_heads),
      layer_index(layer) {}

Tensor SelfAttention::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor q_BHTK = nn::split_heads(query(x_BTD), heads);
  Tensor k_BHTK = nn::split_heads(key(x_BTD), heads);
  Tensor v_BHTK = nn::split_heads(value(x_BTD), heads);
  if (context.cache != nullptr) {
    const KeysValues all = context.cache->append(layer_index, k_BHTK, v_BHTK);
    k_BHTK = all.keys;
    v_BHTK = all.values;
  }
  return nn::merge_heads(nn::attend(q_BHTK, k_BHTK, v_BHTK, context));
}

Output::Output(const BertConfig& c, int64_t in_features)
    : dense(in_features, c.hidden_size), LayerNorm(c.hidden_size, c.layer_norm_eps) {}

Tensor Output::operator()(const Tensor& x, const Tensor& residual_BTD) const {
  return LayerNorm(dense(x) + residual_BTD);
}

Tensor Pooler::operator()(const Tensor& x_BTD) const { return tanh(dense(select(x_BTD, 1, 0))); }

BertModel::BertModel(const BertConfig& c, bool add_pooling_layer) : embeddings(c), config_(c) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) encoder.layer.emplace_back(c, layer);
  if (add_pooling_layer) pooler.dense = nn::Linear(c.hidden_size, c.hidden_size);
}

WeightMap BertModel::weight_map() const {
  return {.base_model_prefix = kBaseModelPrefix,
          // Checkpoints that came from TensorFlow have its names of a norm's parameters; we save today's.
          .rules = {{"*.LayerNorm.weight"},
                    {"*.LayerNorm.bias"},
                    {"*.LayerNorm.gamma", "*.LayerNorm.weight"},
                    {"*.LayerNorm.beta", "*.LayerNorm.bias"}},
          // A buffer of old checkpoints, and heads that another architecture has.
          .ignored = {"*embeddings.position_ids", "*pooler.dense.*", "cls.*", "classifier.*", "qa_outputs.*"},
          .tied = {}};
}

BaseModelOutput BertModel::forward(const TextInputs& in) const {
  BaseModelOutput out;
  Tensor x_BTD = embeddings(in);
  const int64_t batch = x_BTD.size(0), tokens = x_BTD.size(1);
  Tensors* weights = nn::wanted(in.output_attentions, out.attentions);
  const auto context = config_.is_decoder ? nn::causal_attention(in, batch, tokens, weights)
                                          : nn::full_attention(in, in.attention_mask, batch, tokens, weights);
  for (const Layer& layer : encoder.layer) {
    if (in.output_hidden_states) out.hidden_states.push_back(x_BTD);
    x_BTD = layer(x_BTD, context);
  }
  if (in.output_hidden_states) out.hidden_states.push_back(x_BTD);
  if (pooler.dense.weight) out.pooler_output = pooler(x_BTD);
  out.last_hidden_state = std::move(x_BTD);
  return out;
}

}  // namespace imago::bert

namespace imago {

void register_bert(Registry& registry) {
  using namespace bert;
  registry.add<BertModel>("BertModel", {"AutoModel", "AutoModelForTextEncoding"});
  registry.add<BertForPreTraining>("BertForPreTraining", {"AutoModelForPreTraining"});
  registry.add<BertLMHeadModel>("BertLMHeadModel", {"AutoModelForCausalLM"});
  registry.add<BertForMaskedLM>("BertForMaskedLM", {"AutoModelForMaskedLM"});
  registry.add<BertForNextSentencePrediction>("BertForNextSentencePrediction", {"AutoModelForNextSentencePrediction"});
  registry.add<BertForSequenceClassification>("BertForSequenceClassification", {"AutoModelForSequenceClassification"});
  registry.add<BertForMultipleChoice>("BertForMultipleChoice", {"AutoModelForMultipleChoice"});
  registry.add<nn::TokenClassifier<BertWithoutPooler>>("BertForTokenClassification",
                                                       {"AutoModelForTokenClassification"});
  registry.add<nn::QuestionAnswerer<BertWithoutPooler>>("BertForQuestionAnswering", {"AutoModelForQuestionAnswering"});
}

}  // namespace imago
