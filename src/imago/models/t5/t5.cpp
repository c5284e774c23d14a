// B batch, T tokens, S tokens of the encoder, D hidden, H heads, K head size.
#include "imago/models/t5/t5.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/gated_activation.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"

namespace imago::t5 {
namespace {

// Half precision does not hold the sums of the largest checkpoints; they are kept finite as in the reference.
Tensor keep_finite(const Tensor& x) {
  if (x.dtype() != DType::f16 || x.is_meta()) return x;
  const double limit = any(isinf(x)).item<bool>() ? 64504 : 65504;
  return clamp(x, -limit, limit);
}

}  // namespace

T5Config::T5Config() {
  is_encoder_decoder = true;
  pad_token_id = 0;
  eos_token_id = {1};
}

void T5Config::validate() const {
  const size_t dash = feed_forward_proj.find('-');
  if (dash != std::string::npos &&
      (dash != 5 || !feed_forward_proj.starts_with("gated-") || feed_forward_proj.find('-', 6) != std::string::npos)) {
    throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("feed_forward_proj \"{}\"", feed_forward_proj),
                "it is the name of an activation, or gated- and that");
  }
  const int64_t exact = relative_attention_num_buckets / 2;
  if (relative_attention_num_buckets < 4 || relative_attention_max_distance <= exact) {
    throw Error(ErrorKind::kInvalidFile, "config.json",
                fmt::format("relative_attention_max_distance {} is not beyond the {} distances that have a bucket each",
                            relative_attention_max_distance, exact));
  }
}

std::string T5Config::activation() const {
  if (dense_act_fn) return *dense_act_fn;
  if (feed_forward_proj == "gated-gelu") return "gelu_new";
  return is_gated() ? feed_forward_proj.substr(6) : feed_forward_proj;
}

int64_t relative_position_bucket(int64_t distance, bool bidirectional, int64_t num_buckets, int64_t max_distance) {
  int64_t first = 0;
  if (bidirectional) {
    num_buckets /= 2;
    if (distance > 0) first = num_buckets;
    distance = std::abs(distance);
  } else {
    distance = std::max<int64_t>(-distance, 0);
  }
  const int64_t exact = num_buckets / 2;
  if (distance < exact) return first + distance;
  // Each step rounds to float32; the logarithm is the correctly rounded one, which the reference's is here too.
  const float ratio = static_cast<float>(distance) / static_cast<float>(exact);
  const auto log_ratio = static_cast<float>(std::log(static_cast<double>(ratio)));
  const auto log_range = static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  const float steps = log_ratio / log_range * static_cast<float>(num_buckets - exact);
  return first + std::min(exact + static_cast<int64_t>(steps), num_buckets - 1);
}

Attention::Attention(const T5Config& c, int64_t layer, bool with_relative_bias)
    : q(c.d_model, c.num_heads * c.d_kv, false),
      k(c.d_model, c.num_heads * c.d_kv, false),
      v(c.d_model, c.num_heads * c.d_kv, false),
      o(c.num_heads * c.d_kv, c.d_model, false),
      heads(c.num_heads),
      layer_index(layer) {
  if (with_relative_bias) relative_attention_bias = nn::Embedding(c.relative_attention_num_buckets, c.num_heads);
}

Tensor Attention::attend(const Tensor& x_BTD, const KeysValues& all, const nn::AttentionContext& context) const {
  const Tensor q_BHTK = nn::split_heads(q(x_BTD), heads);
  return o(nn::merge_heads(nn::attend(q_BHTK, all.keys, all.values, context, {.scale = 1.0})));
}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  KeysValues all{nn::split_heads(k(x_BTD), heads), nn::split_heads(v(x_BTD), heads)};
  if (context.cache != nullptr) all = context.cache->append(layer_index, all.keys, all.values);
  return attend(x_BTD, all, context);
}

Tensor Attention::cross(const Tensor& x_BTD, const Tensor& y_BSD, const nn::AttentionContext& context) const {
  KeysValues all;
  if (context.cache != nullptr) all = context.cache->cross(layer_index);
  if (!all.keys) {
    all = {nn::split_heads(k(y_BSD), heads), nn::split_heads(v(y_BSD), heads)};
    if (context.cache != nullptr) context.cache->set_cross(layer_index, all);
  }
  return attend(x_BTD, all, context);
}

SelfAttentionLayer::SelfAttentionLayer(const T5Config& c, int64_t layer)
    : SelfAttention(c, layer, layer == 0), layer_norm(c.d_model, c.layer_norm_epsilon) {}

CrossAttentionLayer::CrossAttentionLayer(const T5Config& c, int64_t layer)
    : EncDecAttention(c, layer, false), layer_norm(c.d_model, c.layer_norm_epsilon) {}

DenseReluDense::DenseReluDense(const T5Config& c) : wo(c.d_ff, c.d_model, false), activation(c.activation()) {
  nn::activation(activation);  // a name that is unknown is told now
  if (c.is_gated()) {
    wi_0 = wi_1 = nn::Linear(c.d_model, c.d_ff, false);
  } else {
    wi = nn::Linear(c.d_model, c.d_ff, false);
  }
}

Tensor DenseReluDense::operator()(const Tensor& x_BTD) const {
  if (wi.weight) return wo(nn::activation(activation)(wi(x_BTD)));
  return wo(nn::gated_activation(activation, wi_0(x_BTD), wi_1(x_BTD)));
}

FeedForwardLayer::FeedForwardLayer(const T5Config& c)
    : DenseReluDense(c), layer_norm(c.d_model, c.layer_norm_epsilon) {}

Block::Block(const T5Config& c, StackKind kind, int64_t layer) : self_attention(c, layer), feed_forward(c) {
  if (kind == StackKind::kDecoder) cross_attention.emplace(c, layer);
}

void Block::each_field(FieldVisitor& visitor) {
  visitor.enter("layer");
  imago::internal::visit_field(visitor, "0", self_attention);
  if (cross_attention) imago::internal::visit_field(visitor, "1", *cross_attention);
  imago::internal::visit_field(visitor, cross_attention ? "2" : "1", feed_forward);
  visitor.leave();
}

Tensor Block::operator()(const Tensor& x_BTD, const StackContext& context) const {
  Tensor h_BTD = keep_finite(x_BTD + self_attention.SelfAttention(self_attention.layer_norm(x_BTD), context.self));
  if (cross_attention && context.encoder_hidden_states) {
    const Tensor normed_BTD = cross_attention->layer_norm(h_BTD);
    h_BTD = keep_finite(
        h_BTD + cross_attention->EncDecAttention.cross(normed_BTD, context.encoder_hidden_states, context.cross));
  }
  return keep_finite(h_BTD + feed_forward.DenseReluDense(feed_forward.layer_norm(h_BTD)));
}

Stack::Stack(const T5Config& c, StackKind kind)
    : embed_tokens(c.vocab_size, c.d_model),
      final_layer_norm(c.d_model, c.layer_norm_epsilon),
      kind_(kind),
      max_distance_(c.relative_attention_max_distance) {
  const int64_t layers = kind == StackKind::kDecoder ? c.num_decoder_layers.value_or(c.num_layers) : c.num_layers;
  for (int64_t layer = 0; layer < layers; ++layer) block.emplace_back(c, kind, layer);
}

Tensor Stack::position_bias(int64_t past, int64_t tokens) const {
  const nn::Embedding& table = block.front().self_attention.SelfAttention.relative_attention_bias;
  const int64_t keys = past + tokens, num_buckets = table.weight.size(0);
  std::vector<int64_t> buckets;
  buckets.reserve(static_cast<size_t>(tokens * keys));
  for (int64_t query = past; query < keys; ++query) {
    for (int64_t key = 0; key < keys; ++key) {
      buckets.push_back(
          relative_position_bucket(key - query, kind_ == StackKind::kEncoder, num_buckets, max_distance_));
    }
  }
  const Tensor bias_TSH = table(Tensor::from(std::span<const int64_t>(buckets), {tokens, keys}));
  return contiguous(unsqueeze(permute(bias_TSH, {2, 0, 1}), 0));
}

BaseModelOutput Stack::operator()(const TextInputs& in) const {
  BaseModelOutput out;
  Tensor x_BTD = nn::embeddings_or_lookup(in.inputs_embeds, in.input_ids, embed_tokens.weight);
  const int64_t batch = x_BTD.size(0), tokens = x_BTD.size(1);
  const bool decoder = kind_ == StackKind::kDecoder;
  Tensors* weights = nn::wanted(in.output_attentions, out.attentions);
  StackContext context;
  context.self = decoder ? nn::causal_attention(in, batch, tokens, weights)
                         : nn::full_attention(in, in.attention_mask, batch, tokens, weights);
  const int64_t past = context.self.cache != nullptr ? context.self.cache->length() : 0;
  if (!block.empty()) context.self.mask.bias = position_bias(past, tokens);
  context.encoder_hidden_states = in.encoder_hidden_states;
  if (decoder && in.encoder_hidden_states) {
    context.cross = nn::full_attention(in, in.encoder_attention_mask, batch, in.encoder_hidden_states.size(1),
                                       nn::wanted(in.output_attentions, out.cross_attentions));
    context.cross.cache = in.past_key_values;
  }
  for (const Block& layer : block) {
    if (in.output_hidden_states) out.hidden_states.push_back(x_BTD);
    x_BTD = layer(x_BTD, context);
  }
  out.last_hidden_state = final_layer_norm(x_BTD);
  if (in.output_hidden_states) out.hidden_states.push_back(out.last_hidden_state);
  return out;
}

}  // namespace imago::t5
