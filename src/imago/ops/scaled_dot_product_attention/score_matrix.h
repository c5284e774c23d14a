// Attention by matrices of scores, for implementations that need them: masks, weights, gradients.
// Shapes: B batch, H heads, G key/value heads, T queries, S keys, K head size, V value size.
#pragma once

#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

namespace imago {

// Whether `op` lets query i see key j by their positions: bool [queries, keys]; undefined where it hides nothing.
Tensor visible_keys(const op::ScaledDotProductAttention& op, int64_t queries, int64_t keys, Device device);

// The heads that share a key head stacked along the queries, so that keys need not be repeated: [B, H, T, n] as
// [B, G, H / G * T, n].
Tensor stack_heads(const Tensor& x_BHTn, int64_t groups);

// query key^T * scale, capped: [B, H, T, S].
Tensor attention_scores(const op::ScaledDotProductAttention& op, const Tensor& query, const Tensor& key);

// softmax of the scores over the keys that are visible: [B, H, T, S], in float for half types.
Tensor attention_weights(const op::ScaledDotProductAttention& op, const Tensor& query, const Tensor& key,
                         const Tensor& key_padding, const Tensor& bias, const Tensor& sinks);

// The gradients of all inputs that need one, an example at a time where the batch has more than `most_scores` scores.
Tensors attention_gradients(const op::ScaledDotProductAttention& op, const Backward& b, int64_t most_scores);

}  // namespace imago
