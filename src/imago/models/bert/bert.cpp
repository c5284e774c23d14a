// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/bert/bert.h"

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"

namespace imago::bert {

void BertConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  if (add_cross_attention && !is_decoder) {
    throw Error(ErrorKind::kInvalidFile, "config.json", "add_cross_attention without is_decoder",
                "an encoder does not attend to another; set is_decoder, or take add_cross_attention out");
  }
}

Embeddings::Embeddings(const BertConfig& c, int64_t size)
    : word_embeddings(c.vocab_size, size, c.pad_token_id),
      position_embeddings(c.max_position_embeddings, size),
      token_type_embeddings(c.type_vocab_size, size),
      LayerNorm(size, c.layer_norm_eps),
      dropped(c.hidden_dropout_prob) {}

Tensor Embeddings::sum(const TextInputs& in) const {
  const Tensor words_BTD = nn::embed(in, word_embeddings);
  const Tensor types = in.token_type_ids ? in.token_type_ids : Tensor::zeros({1, words_BTD.size(1)}, DType::i64);
  const Tensor places = nn::position_embeddings(in, words_BTD, position_embeddings, "max_position_embeddings");
  return words_BTD + token_type_embeddings(types) + places;
}

BaseModelOutput Encoder::operator()(Tensor x_BTD, const TextInputs& in, const BertConfig& c) const {
  nn::Recorder record(in);
  const auto context = c.is_decoder ? nn::decoder_attention(in, x_BTD, record, c.add_cross_attention)
                                    : nn::DecoderContext{nn::full_attention(in, x_BTD, record), {}};
  const nn::AttentionDropout attention_dropout(c.attention_probs_dropout_prob);
  for (const Layer& each : layer) x_BTD = each(record(x_BTD), context);
  return record.finish(x_BTD);
}

WeightMap weight_map(std::string prefix) {
  return {.base_model_prefix = std::move(prefix),
          // Checkpoints that came from TensorFlow have its names of a norm's parameters; we save today's.
          .rules = {{"*.LayerNorm.weight"},
                    {"*.LayerNorm.bias"},
                    {"*.LayerNorm.gamma", "*.LayerNorm.weight"},
                    {"*.LayerNorm.beta", "*.LayerNorm.bias"}},
          .ignored = {"*embeddings.position_ids", "*pooler.*"},  // a buffer of old ones; a pooler nobody reads
          .optional = {"pooler.*"}};
}

}  // namespace imago::bert

REGISTER_MODELS(bert, BertModel, BertForPreTraining, BertLMHeadModel, BertForMaskedLM, BertForNextSentencePrediction,
                BertForSequenceClassification, BertForMultipleChoice, BertForTokenClassification,
                BertForQuestionAnswering)
