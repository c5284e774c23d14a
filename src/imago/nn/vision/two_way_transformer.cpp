#include "imago/nn/vision/two_way_transformer.h"

#include <algorithm>

#include "imago/ops/expand/expand.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

constexpr int64_t kLayersRate = 2;      // of the layers' attention to the picture, whatever that of the last is
constexpr double kTorchEpsilon = 1e-5;  // of the one norm that layer_norm_eps is not of

}  // namespace

PromptAttention::PromptAttention(const TwoWayOptions& o, int64_t downsample_rate) : heads(o.heads) {
  const int64_t inner = o.hidden_size / downsample_rate;
  for (Linear* linear : {&q_proj, &k_proj, &v_proj}) *linear = Linear(o.hidden_size, inner);
  out_proj = Linear(inner, o.hidden_size);
}

Tensor PromptAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const AttentionContext& context) const {
  const int64_t batch = query.size(0), prompts = std::max(query.size(1), key.size(1));
  const auto headed = [&](const Tensor& x) {  // what is the same for all prompts is projected once
    const Tensor each = expand(x, {batch, prompts, x.size(2), x.size(3)});
    return split_heads(reshape(each, {batch * prompts, x.size(2), x.size(3)}), heads);
  };
  const KeysValues all{headed(k_proj(key)), headed(v_proj(value))};
  const Tensor seen = out_proj(merge_heads(attend(headed(q_proj(query)), all, context)));
  return reshape(seen, {batch, prompts, seen.size(1), seen.size(2)});
}

TwoWayLayer::TwoWayLayer(const TwoWayOptions& o, bool is_first)
    : self_attn(o, 1),
      cross_attn_token_to_image(o, kLayersRate),
      cross_attn_image_to_token(o, kLayersRate),
      layer_norm1(o.hidden_size, o.layer_norm_eps),
      layer_norm2(o.hidden_size, o.layer_norm_eps),
      layer_norm3(o.hidden_size, o.layer_norm_eps),
      layer_norm4(o.hidden_size, o.layer_norm_eps),
      mlp(o.hidden_size, o.inner_size, o.hidden_act),
      first(is_first) {}

Tensor TwoWayLayer::operator()(Tensor& tokens, Tensor& picture, const Tensor& token_places,
                               const Tensor& picture_places, const AttentionContext& context) const {
  const Tensor placed = tokens + token_places;
  tokens = first ? self_attn(tokens, tokens, tokens, context) : tokens + self_attn(placed, placed, tokens, context);
  tokens = layer_norm1(tokens);
  const Tensor keys = picture + picture_places;
  tokens = layer_norm2(tokens + cross_attn_token_to_image(tokens + token_places, keys, picture, context));
  tokens = layer_norm3(tokens + mlp(tokens));
  const Tensor told = cross_attn_image_to_token(keys, tokens + token_places, tokens, context);
  picture = layer_norm4(picture + told);
  return told;
}

TwoWayTransformer::TwoWayTransformer(const TwoWayOptions& o)
    : final_attn_token_to_image(o, o.final_downsample_rate), layer_norm_final_attn(o.hidden_size, kTorchEpsilon) {
  for (int64_t i = 0; i < o.layers; ++i) layers.emplace_back(o, i == 0);
}

FeedForward::FeedForward(int64_t in, int64_t hidden, int64_t out, int64_t depth)
    : proj_in(in, hidden), proj_out(hidden, out) {
  for (int64_t i = 0; i < depth - 2; ++i) layers.emplace_back(hidden, hidden);
}

Tensor FeedForward::operator()(const Tensor& x) const {
  Tensor y = relu(proj_in(x));
  for (const Linear& layer : layers) y = relu(layer(y));
  return proj_out(y);
}

}  // namespace imago::nn
