#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/checks.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scaled_dot_product_attention/visibility.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago {
namespace {

// Shapes: B batch, H heads, G key/value heads, T queries, S keys, K head size, V value size.

using Op = op::ScaledDotProductAttention;

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

Tensor weights(const Op& op, const Tensor& query_BHTK, const Tensor& key_BGSK, const Tensor& key_padding,
               const Tensor& bias, const Tensor& sinks) {
  const int64_t batch = query_BHTK.size(0), heads = query_BHTK.size(1), queries = query_BHTK.size(2);
  const int64_t groups = key_BGSK.size(1), keys = key_BGSK.size(2), head_size = query_BHTK.size(3);
  // The heads that share a key head are stacked along the queries, so that keys are not repeated.
  const Tensor stacked =
      reshape(widen(query_BHTK), {batch, groups, heads / std::max<int64_t>(groups, 1) * queries, head_size});
  Tensor scores = matmul(stacked, transpose(widen(key_BGSK), -1, -2)) * op.scale;
  scores = reshape(scores, {batch, heads, queries, keys});
  if (scores.numel() == 0) return scores;
  if (op.softcap > 0) scores = tanh(scores / op.softcap) * op.softcap;
  if (bias.defined()) scores = scores + cast(bias, scores.dtype());
  const double hidden = -std::numeric_limits<double>::infinity();
  if (const Tensor visible = visible_keys(op, queries, keys, query_BHTK.device()); visible.defined()) {
    scores = masked_fill(scores, logical_not(visible), hidden);
  }
  if (key_padding.defined()) {
    scores = masked_fill(scores, logical_not(reshape(key_padding, {batch, 1, 1, keys})), hidden);
  }
  return softmax_over_visible(scores, sinks.defined() ? widen(sinks) : sinks);
}

Tensor weighted_values(const Tensor& weights_BHTS, const Tensor& value_BGSV) {
  const int64_t batch = weights_BHTS.size(0), heads = weights_BHTS.size(1), queries = weights_BHTS.size(2);
  const int64_t groups = value_BGSV.size(1), keys = value_BGSV.size(2);
  const Shape shape = {batch, heads, queries, value_BGSV.size(3)};
  const Tensor stacked = reshape(weights_BHTS, {batch, groups, heads / std::max<int64_t>(groups, 1) * queries, keys});
  return cast(reshape(matmul(stacked, widen(value_BGSV)), shape), value_BGSV.dtype());
}

Op describe(const Tensor& query, const Tensor& key, const AttentionMask& mask, const AttentionOptions& options) {
  check_dims(Op::name, "query", query, 4);
  check_dims(Op::name, "key", key, 4);
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(query.size(3))));
  const int64_t offset = mask.query_offset.value_or(key.size(2) - query.size(2));
  return {scale, options.softcap, mask.causal, mask.window, mask.prefix, offset};
}

[[noreturn]] void throw_mismatch(const Tensor& query, const Tensor& key, const Tensor& value) {
  throw Error(ErrorKind::kInvalidArgument, Op::name,
              fmt::format("query {}, key {} and value {} do not meet", query.shape().to_string(),
                          key.shape().to_string(), value.shape().to_string()),
              "they are [batch, heads, tokens, size]; the heads of the query are a multiple of those of key and value");
}

}  // namespace

TensorSpec Op::check(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& key_padding,
                     const Tensor& bias, const Tensor& sinks) const {
  check_floating(name, "query", query);
  check_dims(name, "query", query, 4);
  check_dims(name, "key", key, 4);
  check_dims(name, "value", value, 4);
  check_same_dtype(name, "query", query, "key", key);
  check_same_dtype(name, "query", query, "value", value);
  check_same_dtype(name, "query", query, "sinks", sinks);
  const int64_t batch = query.size(0), heads = query.size(1), groups = key.size(1), keys = key.size(2);
  if (key.size(0) != batch || value.size(0) != batch || value.size(1) != groups || value.size(2) != keys ||
      key.size(3) != query.size(3) || (groups == 0 ? heads != 0 : heads % groups != 0)) {
    throw_mismatch(query, key, value);
  }
  if (prefix < 0 || softcap < 0 || (window && *window < 1)) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("prefix {}, softcap {} or window {} is out of range", prefix, softcap, window.value_or(1)));
  }
  if (key_padding.defined() && key_padding.dtype() != DType::boolean) {
    throw Error(ErrorKind::kInvalidArgument, name, "key_padding is " + key_padding.describe() + ", not bool");
  }
  check_shape(name, "key_padding", key_padding, {batch, keys});
  check_shape(name, "sinks", sinks, {heads});
  const Shape scores = {batch, heads, query.size(2), keys};
  if (bias.defined()) {
    check_floating(name, "bias", bias);
    if (!(broadcast_shapes(bias.shape(), scores, name) == scores)) {
      throw Error(ErrorKind::kInvalidArgument, name,
                  fmt::format("bias {} does not broadcast to {}", bias.describe(), scores.to_string()));
    }
  }
  return {{batch, heads, query.size(2), value.size(3)}, query.dtype()};
}

Tensor Op::decompose(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& key_padding,
                     const Tensor& bias, const Tensor& sinks) const {
  return weighted_values(weights(*this, query, key, key_padding, bias, sinks), value);
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionMask& mask, const AttentionOptions& options) {
  return apply(describe(query, key, mask, options), query, key, value, mask.key_padding, mask.bias, options.sinks);
}

Tensors attention_with_weights(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionMask& mask,
                               const AttentionOptions& options) {
  const Op op = describe(query, key, mask, options);
  op.check(query, key, value, mask.key_padding, mask.bias, options.sinks);
  const Tensor w = weights(op, query, key, mask.key_padding, mask.bias, options.sinks);
  return {weighted_values(w, value), cast(w, query.dtype())};
}

}  // namespace imago
