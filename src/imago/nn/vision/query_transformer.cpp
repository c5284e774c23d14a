#include "imago/nn/vision/query_transformer.h"

#include "imago/nn/dropout.h"
#include "imago/ops/operators.h"

namespace imago::nn {
namespace {

constexpr double kEpsilon = 1e-5;  // torch's, as no key says it

}  // namespace

PlacedAttention::PlacedAttention(int64_t hidden_size, int64_t head_count) : heads(head_count) {
  for (Linear* linear : {&q_proj, &k_proj, &v_proj, &o_proj}) *linear = Linear(hidden_size, hidden_size);
}

Tensor PlacedAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const AttentionContext& context) const {
  const KeysValues all{split_heads(k_proj(key), heads), split_heads(v_proj(value), heads)};
  return o_proj(merge_heads(attend(split_heads(q_proj(query), heads), all, context)));
}

QueryFeedForward::QueryFeedForward(const QueryLayerOptions& o)
    : fc1(o.hidden_size, o.inner_size),
      fc2(o.inner_size, o.hidden_size),
      activation(nn::activation(o.activation)),
      dropped(o.dropout),
      inner_dropped(o.activation_dropout) {}

Tensor QueryFeedForward::operator()(const Tensor& x) const {
  return dropout(fc2(dropout(activation(fc1(x)), inner_dropped)), dropped);
}

PlacedEncoderLayer::PlacedEncoderLayer(const QueryLayerOptions& o)
    : self_attn(o.hidden_size, o.heads),
      self_attn_layer_norm(o.hidden_size, kEpsilon),
      final_layer_norm(o.hidden_size, kEpsilon),
      mlp(o),
      dropped(o.dropout) {}

Tensor PlacedEncoderLayer::operator()(const Tensor& x_BND, const Tensor& places_BND,
                                      const AttentionContext& context) const {
  const Tensor placed_BND = x_BND + places_BND;
  const Tensor seen_BND = dropout(self_attn(placed_BND, placed_BND, x_BND, context), dropped);
  const Tensor h_BND = self_attn_layer_norm(x_BND + seen_BND);
  return final_layer_norm(h_BND + mlp(h_BND));
}

PlacedDecoderLayer::PlacedDecoderLayer(const QueryLayerOptions& o)
    : self_attn(o.hidden_size, o.heads),
      encoder_attn(o.hidden_size, o.heads),
      self_attn_layer_norm(o.hidden_size, kEpsilon),
      encoder_attn_layer_norm(o.hidden_size, kEpsilon),
      final_layer_norm(o.hidden_size, kEpsilon),
      mlp(o),
      dropped(o.dropout) {}

Tensor PlacedDecoderLayer::operator()(const Tensor& x_BQD, const Tensor& queries_1QD, const Tensor& keys_BND,
                                      const Tensor& values_BND, const DecoderContext& context) const {
  const Tensor placed_BQD = x_BQD + queries_1QD;
  const Tensor told_BQD = dropout(self_attn(placed_BQD, placed_BQD, x_BQD, context.self), dropped);
  Tensor h_BQD = self_attn_layer_norm(x_BQD + told_BQD);
  const Tensor seen_BQD = encoder_attn(h_BQD + queries_1QD, keys_BND, values_BND, context.cross);
  h_BQD = encoder_attn_layer_norm(h_BQD + dropout(seen_BQD, dropped));
  return final_layer_norm(h_BQD + mlp(h_BQD));
}

MaskedQueryLayer::MaskedQueryLayer(const QueryLayerOptions& o)
    : self_attn(o.hidden_size, o.heads),
      cross_attn(o.hidden_size, o.heads),
      self_attn_layer_norm(o.hidden_size, kEpsilon),
      cross_attn_layer_norm(o.hidden_size, kEpsilon),
      final_layer_norm(o.hidden_size, kEpsilon),
      mlp(o),
      pre_norm(o.pre_norm) {}

void MaskedQueryLayer::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(
      visitor, "self_attn, self_attn_layer_norm, cross_attn, cross_attn_layer_norm, fc1, fc2, final_layer_norm",
      self_attn, self_attn_layer_norm, cross_attn, cross_attn_layer_norm, mlp.fc1, mlp.fc2, final_layer_norm);
}

Tensor MaskedQueryLayer::operator()(const Tensor& x_BQD, const Tensor& queries_1QD, const Tensor& keys_BND,
                                    const Tensor& values_BND, const DecoderContext& context) const {
  const auto before = [&](const LayerNorm& norm, const Tensor& x) { return pre_norm ? norm(x) : x; };
  const auto after = [&](const LayerNorm& norm, const Tensor& x) { return pre_norm ? x : norm(x); };
  Tensor h = before(cross_attn_layer_norm, x_BQD);
  Tensor x = after(cross_attn_layer_norm, x_BQD + cross_attn(h + queries_1QD, keys_BND, values_BND, context.cross));
  h = before(self_attn_layer_norm, x);
  x = after(self_attn_layer_norm, x + self_attn(h + queries_1QD, h + queries_1QD, h, context.self));
  return after(final_layer_norm, x + mlp(before(final_layer_norm, x)));
}

}  // namespace imago::nn
