// B batch, T tokens, D hidden.
#include "imago/models/mpnet/mpnet.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/nn/relative_position_bias.h"
#include "imago/ops/operators.h"

namespace imago::mpnet {
namespace {

// The reference has these in its code, whatever config.json says.
constexpr int64_t kPadding = 1, kBuckets = 32, kMaxDistance = 128;

}  // namespace

MPNetConfig::MPNetConfig() {
  vocab_size = 30527;
  pad_token_id = 1;
  bos_token_id = 0;
  eos_token_id = {2};
}

void MPNetConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  if (is_decoder || add_cross_attention)
    throw Error(ErrorKind::kUnsupported, "config.json", "is_decoder", "MPNet is an encoder only");
  if (relative_attention_num_buckets == kBuckets) return;
  throw Error(ErrorKind::kUnsupported, "config.json",
              fmt::format("relative_attention_num_buckets {}", relative_attention_num_buckets),
              "distances fall into 32 buckets in the reference, whatever the table's size");
}

Embeddings::Embeddings(const MPNetConfig& c)
    : word_embeddings(c.vocab_size, c.hidden_size, kPadding),
      position_embeddings(c.max_position_embeddings, c.hidden_size, kPadding),
      LayerNorm(c.hidden_size, c.layer_norm_eps) {}

Tensor Embeddings::operator()(const TextInputs& in) const {
  const Tensor words_BTD = nn::embed(in, word_embeddings);
  const Tensor positions = nn::position_ids_behind_padding(in, words_BTD, kPadding);
  return LayerNorm(words_BTD + nn::position_embeddings(positions, position_embeddings, "max_position_embeddings"));
}

Attention::Attention(const MPNetConfig& c)
    : attn({.hidden_size = c.hidden_size, .heads = c.num_attention_heads}),
      LayerNorm(c.hidden_size, c.layer_norm_eps) {}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  return LayerNorm(attn(x_BTD, context) + x_BTD);
}

Tensor Layer::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor h_BTD = attention(x_BTD, context);
  return output(intermediate(h_BTD), h_BTD);
}

Encoder::Encoder(const MPNetConfig& c)
    : layer(static_cast<size_t>(c.num_hidden_layers), Layer(c)),
      relative_attention_bias(c.relative_attention_num_buckets, c.num_attention_heads) {}

BaseModelOutput Encoder::operator()(Tensor x_BTD, const TextInputs& in) const {
  nn::Recorder record(in);
  nn::AttentionContext context = nn::full_attention(in, x_BTD, record);
  context.mask.bias =
      nn::relative_position_bias(relative_attention_bias, /*bidirectional=*/true, kMaxDistance, nullptr, x_BTD.size(1));
  for (const Layer& each : layer) x_BTD = each(record(x_BTD), context);
  return record.finish(x_BTD);
}

MPNetModel::MPNetModel(const MPNetConfig& c, bool add_pooling_layer) : Backbone(c), embeddings(c), encoder(c) {
  if (add_pooling_layer) pooler.dense = nn::Linear(c.hidden_size, c.hidden_size);
}

BaseModelOutput MPNetModel::forward(const TextInputs& in) const {
  BaseModelOutput out = encoder(embeddings(in), in);
  if (pooler.dense.weight) out.pooler_output = pooler(out.last_hidden_state);
  return out;
}

}  // namespace imago::mpnet

REGISTER_MODELS(mpnet, MPNetModel, MPNetForMaskedLM, MPNetForSequenceClassification, MPNetForMultipleChoice,
                MPNetForTokenClassification, MPNetForQuestionAnswering)
