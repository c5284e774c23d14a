// B batch, T tokens, D hidden.
#include "imago/models/deberta_v2/deberta_v2.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::deberta_v2 {
namespace {

// Zero where attention_mask [B, T] is; x [B, T, D] as it is without one.
Tensor only_tokens(const Tensor& x_BTD, const Tensor& attention_mask) {
  return attention_mask ? x_BTD * cast(unsqueeze(attention_mask, 2), x_BTD.dtype()) : x_BTD;
}

}  // namespace

DebertaV2Config::DebertaV2Config() {
  vocab_size = 128100;
  hidden_size = 1536;
  num_hidden_layers = num_attention_heads = 24;
  intermediate_size = 6144;
  type_vocab_size = 0;
  layer_norm_eps = 1e-7;
}

void DebertaV2Config::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  const auto refuse = [](const std::string& what, const char* hint) {
    throw Error(ErrorKind::kUnsupported, "config.json", what, hint);
  };
  if (is_decoder || add_cross_attention) refuse("is_decoder", "DeBERTa is an encoder only");
  if (attention_head_size.value_or(hidden_size / num_attention_heads) * num_attention_heads != hidden_size)
    refuse(fmt::format("attention_head_size {}", *attention_head_size), "heads divide hidden_size evenly");
  if (pooler_hidden_size.value_or(hidden_size) != hidden_size)
    refuse(fmt::format("pooler_hidden_size {}", *pooler_hidden_size), "the pooler reads hidden_size");
  if (position_buckets > 0 && (position_buckets < 4 || max_distance() - 1 <= position_buckets / 2))
    refuse(fmt::format("position_buckets {} for distances up to {}", position_buckets, max_distance()),
           "use at least 4, and distances beyond half of them");
  if (conv_kernel_size > 0 && (conv_kernel_size % 2 == 0 || conv_groups < 1 || hidden_size % conv_groups != 0))
    refuse(fmt::format("conv_kernel_size {} in {} groups", conv_kernel_size, conv_groups),
           "the kernel is odd, and groups divide hidden_size");
}

nn::DisentangledOptions DebertaV2Config::attention() const {
  return {.hidden_size = hidden_size,
          .heads = num_attention_heads,
          .relative = relative_attention,
          .c2p = attends("c2p"),
          .p2c = attends("p2c"),
          .share_keys = share_att_key,
          .buckets = position_buckets,
          .max_distance = max_distance(),
          .dropped = hidden_dropout_prob};
}

Embeddings::Embeddings(const DebertaV2Config& c)
    : LayerNorm(c.hidden_size, c.layer_norm_eps), dropped(c.hidden_dropout_prob) {
  const int64_t size = c.embedding_size.value_or(c.hidden_size);
  word_embeddings = nn::Embedding(c.vocab_size, size, c.pad_token_id);
  if (c.position_biased_input) position_embeddings = nn::Embedding(c.max_position_embeddings, size);
  if (c.type_vocab_size > 0) token_type_embeddings = nn::Embedding(c.type_vocab_size, size);
  if (size != c.hidden_size) embed_proj = nn::Linear(size, c.hidden_size, false);
}

Tensor Embeddings::operator()(const TextInputs& in) const {
  Tensor x = nn::embed(in, word_embeddings);
  if (position_embeddings.weight)
    x = x + nn::position_embeddings(in, x, position_embeddings, "max_position_embeddings");
  if (token_type_embeddings.weight)
    x = x + token_type_embeddings(in.token_type_ids ? in.token_type_ids : Tensor::zeros({1, x.size(1)}, DType::i64));
  if (embed_proj.weight) x = embed_proj(x);
  return nn::dropout(only_tokens(LayerNorm(x), in.attention_mask), dropped);
}

Tensor Layer::operator()(const Tensor& x_BTD, const nn::DisentangledContext& context) const {
  const Tensor h_BTD = attention.output(attention.self(x_BTD, context), x_BTD);
  return output(intermediate(h_BTD), h_BTD);
}

ConvolutionLayer::ConvolutionLayer(const DebertaV2Config& c)
    : LayerNorm(c.hidden_size, c.layer_norm_eps),
      activation(nn::activation(c.conv_act)),
      kernel(c.conv_kernel_size),
      groups(c.conv_groups),
      dropped(c.hidden_dropout_prob) {
  conv.weight = parameter({c.hidden_size, c.hidden_size / groups, kernel});
  conv.bias = parameter({c.hidden_size});
}

Tensor ConvolutionLayer::operator()(const Tensor& x_BTD, const Tensor& residual_BTD,
                                    const Tensor& attention_mask) const {
  const Tensor h_BTD = transpose(
      convolution(transpose(x_BTD, 1, 2), conv.weight, conv.bias, {1}, {(kernel - 1) / 2}, {1}, groups), 1, 2);
  const Tensor shown = attention_mask ? masked_fill(h_BTD, unsqueeze(eq(attention_mask, 0), 2), 0) : h_BTD;
  return only_tokens(LayerNorm(residual_BTD + activation(nn::dropout(shown, dropped))), attention_mask);
}

Encoder::Encoder(const DebertaV2Config& c) : layer(static_cast<size_t>(c.num_hidden_layers), Layer(c)) {
  if (c.relative_attention) rel_embeddings = nn::Embedding(2 * c.attention().span(), c.hidden_size);
  if (c.norm_rel_ebd.find("layer_norm") != std::string::npos)
    LayerNorm = nn::LayerNorm(c.hidden_size, c.layer_norm_eps);
  if (c.conv_kernel_size > 0) conv.emplace(c);
}

BaseModelOutput Encoder::operator()(const Tensor& embeddings, const TextInputs& in, const DebertaV2Config& c) const {
  nn::Recorder record(in);
  const Tensor& table = rel_embeddings.weight;
  const nn::DisentangledContext shared =
      nn::disentangled_context(nn::full_attention(in, embeddings, record),
                               table && LayerNorm.weight ? LayerNorm(table) : table, embeddings.size(1), c.attention());
  Tensor x_BTD = embeddings;
  const nn::AttentionDropout attention_dropout(c.attention_probs_dropout_prob);
  for (const Layer& each : layer) {
    x_BTD = each(record(x_BTD), shared);
    if (conv && &each == &layer.front()) x_BTD = (*conv)(embeddings, x_BTD, in.attention_mask);
  }
  return record.finish(x_BTD);
}

WeightMap DebertaV2Model::weight_map() const {
  WeightMap map = bert::weight_map("deberta");
  // Positions that are not added, and heads of pre-training that the reference does not have.
  map.ignored = {"*embeddings.position_ids", "*embeddings.position_embeddings.weight", "mask_predictions.*"};
  map.optional.clear();
  return map;
}

LMHead::LMHead(const DebertaV2Config& c)
    : TransformedScores(c.hidden_size, c.legacy ? c.embedding_size.value_or(c.hidden_size) : c.hidden_size,
                        c.vocab_size, c.hidden_act, c.layer_norm_eps, c.tie_word_embeddings || !c.legacy),
      legacy(c.legacy) {}

void LMHead::each_field(FieldVisitor& visitor) {
  const std::string head = legacy ? "cls.predictions." : "lm_predictions.lm_head.";
  const std::string transform = legacy ? head + "transform." : head;
  imago::internal::visit_field(visitor, transform + "dense", dense);
  imago::internal::visit_field(visitor, transform + "LayerNorm", norm);
  imago::internal::visit_field(visitor, head + "decoder", decoder);
  imago::internal::visit_field(visitor, head + "bias", bias);
}

nn::Ties LMHead::ties(const std::string&, const std::string& embeddings) const {
  return TransformedScores::ties(legacy ? "cls.predictions" : "lm_predictions.lm_head", embeddings);
}

LogitsOutput DebertaV2ForSequenceClassification::forward(const TextInputs& in) const {
  if (in.labels && !config().problem_type && config().num_labels() > 1 && is_floating_point(in.labels.dtype())) {
    throw Error(ErrorKind::kUnsupported, "loss", "labels that are probabilities of several classes",
                "set problem_type in config.json, or give class numbers");
  }
  return ForSequenceClassification::forward(in);
}

}  // namespace imago::deberta_v2

REGISTER_MODELS(deberta_v2, DebertaV2Model, DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification,
                DebertaV2ForMultipleChoice, DebertaV2ForTokenClassification, DebertaV2ForQuestionAnswering)
