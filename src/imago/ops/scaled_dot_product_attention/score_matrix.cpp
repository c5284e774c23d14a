#include "imago/ops/scaled_dot_product_attention/score_matrix.h"

#include <algorithm>
#include <limits>

#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago {
namespace {

// exp / sum, with the sinks in the sum; zeros where everything is -infinity.
Tensor softmax_over_visible(const Tensor& scores_BHTS, const Tensor& sinks_H) {
  Tensor highest = amax(scores_BHTS, {-1}, true);
  const Tensor sinks = sinks_H.defined() ? reshape(sinks_H, {1, sinks_H.size(0), 1, 1}) : Tensor();
  if (sinks.defined()) highest = maximum(highest, sinks);
  highest = masked_fill(highest, isinf(highest), 0);
  const Tensor e = exp(scores_BHTS - highest);
  Tensor total = sum(e, {-1}, true);
  if (sinks.defined()) total = total + exp(sinks - highest);
  return e / masked_fill(total, eq(total, 0), 1);
}

}  // namespace

Tensor visible_keys(const op::ScaledDotProductAttention& op, int64_t queries, int64_t keys, Device device) {
  if (!op.causal && !op.window) return {};
  const auto positions = [&](int64_t begin, int64_t count) {
    return Tensor::arange(static_cast<double>(begin), static_cast<double>(begin + count), 1, DType::i64, device);
  };
  const Tensor p = unsqueeze(positions(op.query_offset, queries), 1), j = unsqueeze(positions(0, keys), 0);
  Tensor visible;
  if (op.causal) visible = le(j, p);
  if (op.window) {
    const auto window = static_cast<double>(*op.window);
    const Tensor in_reach = gt(j, p - window);
    visible = op.causal ? logical_and(visible, in_reach) : logical_and(in_reach, lt(j, p + window));
  }
  return op.prefix > 0 ? logical_or(visible, lt(j, static_cast<double>(op.prefix))) : visible;
}

Tensor stack_heads(const Tensor& x_BHTn, int64_t groups) {
  const int64_t rows = x_BHTn.size(1) / std::max<int64_t>(groups, 1) * x_BHTn.size(2);
  return reshape(x_BHTn, {x_BHTn.size(0), groups, rows, x_BHTn.size(3)});
}

Tensor attention_scores(const op::ScaledDotProductAttention& op, const Tensor& query, const Tensor& key) {
  const Tensor stacked = stack_heads(widen(query), key.size(1));
  const Tensor scores = reshape(matmul(stacked, transpose(widen(key), -1, -2)) * op.scale,
                                {query.size(0), query.size(1), query.size(2), key.size(2)});
  return op.softcap > 0 ? tanh(scores / op.softcap) * op.softcap : scores;
}

Tensor attention_weights(const op::ScaledDotProductAttention& op, const Tensor& query, const Tensor& key,
                         const Tensor& key_padding, const Tensor& bias, const Tensor& sinks) {
  Tensor scores = attention_scores(op, query, key);
  if (scores.numel() == 0) return scores;
  if (bias.defined()) scores = scores + cast(bias, scores.dtype());
  const double hidden = -std::numeric_limits<double>::infinity();
  const int64_t keys = key.size(2);
  if (const Tensor visible = visible_keys(op, query.size(2), keys, query.device()); visible.defined()) {
    scores = masked_fill(scores, logical_not(visible), hidden);
  }
  if (key_padding.defined()) {
    scores = masked_fill(scores, logical_not(reshape(key_padding, {query.size(0), 1, 1, keys})), hidden);
  }
  return softmax_over_visible(scores, sinks.defined() ? widen(sinks) : sinks);
}

}  // namespace imago
