#include "imago/nn/disentangled_attention.h"

#include <algorithm>
#include <cmath>

#include "imago/nn/dropout.h"
#include "imago/nn/keep_finite.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::nn {
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

DisentangledContext disentangled_context(AttentionContext full, const Tensor& distances, int64_t tokens,
                                         const DisentangledOptions& o) {
  DisentangledContext context{std::move(full), {}, {}, {}, {}, {}};
  if (Tensor& tokens_BT = context.mask.key_padding) {
    // Unlike elsewhere padding sees nothing, not even tokens; so it weighs all positions alike.
    context.hidden =
        logical_not(logical_and(unsqueeze(unsqueeze(tokens_BT, 1), 2), unsqueeze(unsqueeze(tokens_BT, 1), 3)));
    context.padding = logical_not(unsqueeze(unsqueeze(tokens_BT, 1), 3));
    tokens_BT = {};
  }
  if (!distances) return context;
  context.distances = unsqueeze(distances, 0);
  const int64_t span = o.span();
  std::vector<int64_t> to_keys, to_queries;
  for (int64_t i = 0; i < tokens; ++i) {
    for (int64_t j = 0; j < tokens; ++j) {
      const int64_t row = o.buckets > 0 ? distance_bucket(i - j, o.buckets, o.max_distance) : i - j;
      to_keys.push_back(std::clamp<int64_t>(span + row, 0, 2 * span - 1));
      to_queries.push_back(std::clamp<int64_t>(span - row, 0, 2 * span - 1));
    }
  }
  context.to_keys = Tensor::from(std::span<const int64_t>(to_keys), {tokens, tokens});
  context.to_queries = Tensor::from(std::span<const int64_t>(to_queries), {tokens, tokens});
  return context;
}

DisentangledAttention::DisentangledAttention(const DisentangledOptions& o)
    : query_proj(o.hidden_size, o.hidden_size),
      key_proj(o.hidden_size, o.hidden_size),
      value_proj(o.hidden_size, o.hidden_size),
      options(o) {
  if (!o.relative || o.share_keys) return;
  if (o.c2p) pos_key_proj = Linear(o.hidden_size, o.hidden_size);
  if (o.p2c) pos_query_proj = Linear(o.hidden_size, o.hidden_size);
}

Tensor DisentangledAttention::operator()(const Tensor& x_BTD, const DisentangledContext& context) const {
  const Tensor q_BHTK = split_heads(query_proj(x_BTD), options.heads),
               k_BHTK = split_heads(key_proj(x_BTD), options.heads);
  const double parts = 1 + (options.c2p ? 1 : 0) + (options.p2c ? 1 : 0);  // how many scores are summed
  const double scale = 1 / std::sqrt(static_cast<double>(q_BHTK.size(3)) * parts);
  AttentionContext own = context;
  if (context.distances) {
    const Tensor distances = dropout(context.distances, options.dropped);
    if (options.c2p || options.p2c) own.mask.bias = distance_scores(q_BHTK, k_BHTK, context, distances, scale);
  }
  if (context.hidden) {
    const Tensor& bias = own.mask.bias;
    const Tensor shown = bias ? bias : Tensor::zeros(context.hidden.shape(), x_BTD.dtype());
    own.mask.bias = masked_fill(shown, context.hidden, lowest(x_BTD.dtype()));
  }
  const Tensor v_BHTK = split_heads(value_proj(x_BTD), options.heads);
  // What padding asks is hidden and weighs all alike, whatever it is; as zeros it passes no gradient to the keys
  // either.
  const Tensor asked_BHTK = context.padding ? masked_fill(q_BHTK, context.padding, 0) : q_BHTK;
  return merge_heads(attend(asked_BHTK, {k_BHTK, v_BHTK}, own, {.scale = scale}));
}

Tensor DisentangledAttention::distance_scores(const Tensor& q_BHTK, const Tensor& k_BHTK,
                                              const DisentangledContext& context, const Tensor& distances,
                                              double scale) const {
  const Shape shape = {q_BHTK.size(0), options.heads, q_BHTK.size(2), k_BHTK.size(2)};
  const auto scores = [&](const Tensor& x_BHTK, const Linear& projection, const Tensor& rows) {
    const Tensor vectors_1HSK = split_heads(projection(distances), options.heads);
    return gather(matmul(x_BHTK, transpose(vectors_1HSK, 2, 3)), 3, expand(rows, shape)) * scale;
  };
  Tensor sum;
  if (options.c2p) sum = scores(q_BHTK, options.share_keys ? key_proj : pos_key_proj, context.to_keys);
  if (!options.p2c) return sum;
  const Tensor back =
      transpose(scores(k_BHTK, options.share_keys ? query_proj : pos_query_proj, context.to_queries), 2, 3);
  return sum ? sum + back : back;
}

}  // namespace imago::nn
