#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scaled_dot_product_attention/score_matrix.h"

namespace imago {
namespace {

// Shapes: B batch, H heads, G key/value heads, T queries, S keys, K head size, V value size.

using Op = op::ScaledDotProductAttention;

Tensor weighted_values(const Tensor& weights_BHTS, const Tensor& value_BGSV) {
  const int64_t batch = weights_BHTS.size(0), heads = weights_BHTS.size(1), queries = weights_BHTS.size(2);
  const Shape shape = {batch, heads, queries, value_BGSV.size(3)};
  return cast(reshape(matmul(stack_heads(weights_BHTS, value_BGSV.size(1)), widen(value_BGSV)), shape),
              value_BGSV.dtype());
}

Op describe(const Tensor& query, const Tensor& key, const AttentionMask& mask, const AttentionOptions& options) {
  require_dims(Op::name, "query", query, 4);
  require_dims(Op::name, "key", key, 4);
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
  require_floating(name, "query", query);
  require_dims(name, "query", query, 4);
  require_dims(name, "key", key, 4);
  require_dims(name, "value", value, 4);
  require_same_dtype(name, "query", query, "key", key);
  require_same_dtype(name, "query", query, "value", value);
  require_same_dtype(name, "query", query, "sinks", sinks);
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
  require_shape(name, "key_padding", key_padding, {batch, keys});
  require_shape(name, "sinks", sinks, {heads});
  const Shape scores = {batch, heads, query.size(2), keys};
  if (bias.defined()) {
    require_floating(name, "bias", bias);
    if (!(broadcast_shapes(bias.shape(), scores, name) == scores)) {
      throw Error(ErrorKind::kInvalidArgument, name,
                  fmt::format("bias {} does not broadcast to {}", bias.describe(), scores.to_string()));
    }
  }
  return {{batch, heads, query.size(2), value.size(3)}, query.dtype()};
}

Tensor Op::decompose(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& key_padding,
                     const Tensor& bias, const Tensor& sinks) const {
  return weighted_values(attention_weights(*this, query, key, key_padding, bias, sinks), value);
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionMask& mask, const AttentionOptions& options) {
  return apply(describe(query, key, mask, options), query, key, value, mask.key_padding, mask.bias, options.sinks);
}

Tensors attention_with_weights(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionMask& mask,
                               const AttentionOptions& options) {
  const Op op = describe(query, key, mask, options);
  op.check(query, key, value, mask.key_padding, mask.bias, options.sinks);
  const Tensor w = attention_weights(op, query, key, mask.key_padding, mask.bias, options.sinks);
  return {weighted_values(w, value), cast(w, query.dtype())};
}

}  // namespace imago
