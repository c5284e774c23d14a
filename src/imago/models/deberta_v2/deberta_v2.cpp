// B batch, T tokens, D hidden, H heads, K head size, S distances that have a vector.
#include "imago/models/deberta_v2/deberta_v2.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/matmul/matmul.h"
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

// The least finite number: what is hidden from a query gets it as its score, and no weight unless all is hidden.
double lowest(DType dtype) {
  if (dtype == DType::f64) return std::numeric_limits<double>::lowest();
  return dtype == DType::f16 ? -65504 : dtype == DType::bf16 ? -0x1.fep127 : std::numeric_limits<float>::lowest();
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

int64_t distance_bucket(int64_t distance, int64_t buckets, int64_t max_distance) {
  const int64_t half = buckets / 2, length = std::abs(distance);
  if (length <= half) return distance;
  // Each step rounds to float32, as the reference's do; the logarithms are the correctly rounded ones.
  const auto logarithm = [](float x) { return static_cast<float>(std::log(static_cast<double>(x))); };
  const float ratio = static_cast<float>(length) / static_cast<float>(half);
  const auto range = static_cast<float>(static_cast<double>(max_distance - 1) / static_cast<double>(half));
  const float steps = std::ceil(logarithm(ratio) / logarithm(range) * static_cast<float>(half - 1));
  const auto bucket = static_cast<int64_t>(steps) + half;
  return distance < 0 ? -bucket : bucket;
}

Embeddings::Embeddings(const DebertaV2Config& c) : LayerNorm(c.hidden_size, c.layer_norm_eps) {
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
  return only_tokens(LayerNorm(x), in.attention_mask);
}

SelfAttention::SelfAttention(const DebertaV2Config& c)
    : query_proj(c.hidden_size, c.hidden_size),
      key_proj(c.hidden_size, c.hidden_size),
      value_proj(c.hidden_size, c.hidden_size),
      heads(c.num_attention_heads),
      c2p(c.attends("c2p")),
      p2c(c.attends("p2c")),
      share_att_key(c.share_att_key) {
  if (!c.relative_attention || share_att_key) return;
  if (c2p) pos_key_proj = nn::Linear(c.hidden_size, c.hidden_size);
  if (p2c) pos_query_proj = nn::Linear(c.hidden_size, c.hidden_size);
}

Tensor SelfAttention::operator()(const Tensor& x_BTD, const Context& context) const {
  const Tensor q_BHTK = nn::split_heads(query_proj(x_BTD), heads), k_BHTK = nn::split_heads(key_proj(x_BTD), heads);
  const double parts = 1 + (c2p ? 1 : 0) + (p2c ? 1 : 0);  // how many scores are summed
  const double scale = 1 / std::sqrt(static_cast<double>(q_BHTK.size(3)) * parts);
  nn::AttentionContext own = context;
  if (context.distances && (c2p || p2c)) own.mask.bias = distance_scores(q_BHTK, k_BHTK, context, scale);
  if (context.hidden) {
    const Tensor& bias = own.mask.bias;
    const Tensor shown = bias ? bias : Tensor::zeros(context.hidden.shape(), x_BTD.dtype());
    own.mask.bias = masked_fill(shown, context.hidden, lowest(x_BTD.dtype()));
  }
  const Tensor v_BHTK = nn::split_heads(value_proj(x_BTD), heads);
  return nn::merge_heads(nn::attend(q_BHTK, {k_BHTK, v_BHTK}, own, {.scale = scale}));
}

Tensor SelfAttention::distance_scores(const Tensor& q_BHTK, const Tensor& k_BHTK, const Context& context,
                                      double scale) const {
  const Shape shape = {q_BHTK.size(0), heads, q_BHTK.size(2), k_BHTK.size(2)};
  const auto scores = [&](const Tensor& x_BHTK, const nn::Linear& projection, const Tensor& rows) {
    const Tensor vectors_1HSK = nn::split_heads(projection(context.distances), heads);
    return gather(matmul(x_BHTK, transpose(vectors_1HSK, 2, 3)), 3, expand(rows, shape)) * scale;
  };
  Tensor sum;
  if (c2p) sum = scores(q_BHTK, share_att_key ? key_proj : pos_key_proj, context.to_keys);
  if (!p2c) return sum;
  const Tensor back = transpose(scores(k_BHTK, share_att_key ? query_proj : pos_query_proj, context.to_queries), 2, 3);
  return sum ? sum + back : back;
}

Tensor Layer::operator()(const Tensor& x_BTD, const Context& context) const {
  const Tensor h_BTD = attention.output(attention.self(x_BTD, context), x_BTD);
  return output(intermediate(h_BTD), h_BTD);
}

ConvolutionLayer::ConvolutionLayer(const DebertaV2Config& c)
    : LayerNorm(c.hidden_size, c.layer_norm_eps),
      activation(nn::activation(c.conv_act)),
      kernel(c.conv_kernel_size),
      groups(c.conv_groups) {
  conv.weight = parameter({c.hidden_size, c.hidden_size / groups, kernel});
  conv.bias = parameter({c.hidden_size});
}

Tensor ConvolutionLayer::operator()(const Tensor& x_BTD, const Tensor& residual_BTD,
                                    const Tensor& attention_mask) const {
  const Tensor h_BTD = transpose(
      convolution(transpose(x_BTD, 1, 2), conv.weight, conv.bias, {1}, {(kernel - 1) / 2}, {1}, groups), 1, 2);
  const Tensor shown = attention_mask ? masked_fill(h_BTD, unsqueeze(eq(attention_mask, 0), 2), 0) : h_BTD;
  return only_tokens(LayerNorm(residual_BTD + activation(shown)), attention_mask);
}

Encoder::Encoder(const DebertaV2Config& c) : layer(static_cast<size_t>(c.num_hidden_layers), Layer(c)) {
  if (c.relative_attention) rel_embeddings = nn::Embedding(2 * c.span(), c.hidden_size);
  if (c.norm_rel_ebd.find("layer_norm") != std::string::npos)
    LayerNorm = nn::LayerNorm(c.hidden_size, c.layer_norm_eps);
  if (c.conv_kernel_size > 0) conv.emplace(c);
}

Context Encoder::context(const Tensor& x_BTD, const TextInputs& in, nn::Recorder& record,
                         const DebertaV2Config& c) const {
  Context context{nn::full_attention(in, x_BTD, record), {}, {}, {}, {}};
  if (Tensor& tokens_BT = context.mask.key_padding) {
    // Unlike elsewhere padding sees nothing, not even tokens; so it weighs all positions alike.
    context.hidden =
        logical_not(logical_and(unsqueeze(unsqueeze(tokens_BT, 1), 2), unsqueeze(unsqueeze(tokens_BT, 1), 3)));
    tokens_BT = {};
  }
  if (!rel_embeddings.weight) return context;
  const Tensor vectors = unsqueeze(rel_embeddings.weight, 0);
  context.distances = LayerNorm.weight ? LayerNorm(vectors) : vectors;
  const int64_t tokens = x_BTD.size(1), span = c.span();
  std::vector<int64_t> to_keys, to_queries;
  for (int64_t i = 0; i < tokens; ++i) {
    for (int64_t j = 0; j < tokens; ++j) {
      const int64_t row = c.position_buckets > 0 ? distance_bucket(i - j, c.position_buckets, c.max_distance()) : i - j;
      to_keys.push_back(std::clamp<int64_t>(span + row, 0, 2 * span - 1));
      to_queries.push_back(std::clamp<int64_t>(span - row, 0, 2 * span - 1));
    }
  }
  context.to_keys = Tensor::from(std::span<const int64_t>(to_keys), {tokens, tokens});
  context.to_queries = Tensor::from(std::span<const int64_t>(to_queries), {tokens, tokens});
  return context;
}

BaseModelOutput Encoder::operator()(const Tensor& embeddings, const TextInputs& in, const DebertaV2Config& c) const {
  nn::Recorder record(in);
  const Context shared = context(embeddings, in, record, c);
  Tensor x_BTD = embeddings;
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

namespace imago {

void register_deberta_v2(Registry& registry) {
  using namespace deberta_v2;
  registry.add<DebertaV2Model>("DebertaV2Model", {"AutoModelForTextEncoding"});
  registry.add<DebertaV2ForMaskedLM>("DebertaV2ForMaskedLM", {"AutoModelForPreTraining"});
  registry.add<DebertaV2ForSequenceClassification>("DebertaV2ForSequenceClassification");
  registry.add<DebertaV2ForMultipleChoice>("DebertaV2ForMultipleChoice");
  registry.add<DebertaV2ForTokenClassification>("DebertaV2ForTokenClassification");
  registry.add<DebertaV2ForQuestionAnswering>("DebertaV2ForQuestionAnswering");
}

}  // namespace imago
