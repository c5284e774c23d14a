#pragma once

#include <optional>

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// See scaled_dot_product_attention. Inputs that may be undefined: key_padding, bias, sinks.
struct ScaledDotProductAttention {
  static constexpr const char* name = "scaled_dot_product_attention";
  double scale;
  double softcap;
  bool causal;
  std::optional<int64_t> window;
  int64_t prefix;
  int64_t query_offset;
  FIELDS(scale, softcap, causal, window, prefix, query_offset)
  TensorSpec check(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& key_padding,
                   const Tensor& bias, const Tensor& sinks) const;
  Tensor decompose(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& key_padding,
                   const Tensor& bias, const Tensor& sinks) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// Which keys a query sees: described, so that no [tokens, tokens] matrix is stored. Query i stands at position
// p = i + query_offset among the keys; key j is visible if all of these hold:
//   causal:       j <= p, or j < prefix (a prefix is seen by all: prefix language models)
//   window:       j > p - window, and j < p + window unless causal, or j < prefix
//   key_padding:  it is true there
//   bias:         it is not -infinity there
// A query that sees no key gets zeros.
struct AttentionMask {
  bool causal = false;
  std::optional<int64_t> window;  // how many positions back a query sees, its own included
  int64_t prefix = 0;
  std::optional<int64_t> query_offset;  // keys - queries where absent: the last query meets the last key
  Tensor key_padding;                   // bool [batch, keys]; true where there is a token
  Tensor bias;  // added to the scaled scores; broadcasts to [batch, heads, queries, keys]; of query's dtype or float32
};

struct AttentionOptions {
  std::optional<double> scale;  // 1 / sqrt(head_size) where absent
  double softcap = 0;           // if positive, scores become softcap * tanh(score / softcap) before bias and mask
  Tensor sinks;  // [heads]: one more score per head in the softmax's sum, which no value belongs to; query's dtype
};

// softmax(query key^T * scale + bias) value over the visible keys.
//   query [batch, heads, queries, head_size], key [batch, key_value_heads, keys, head_size],
//   value [batch, key_value_heads, keys, value_size] give [batch, heads, queries, value_size];
// query head h reads key/value head h / (heads / key_value_heads). Half types are computed in float and rounded once.
// Scores are not stored unless a gradient is taken. ("Attention Is All You Need", 2017; "FlashAttention", 2022)
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionMask& mask = {}, const AttentionOptions& options = {});

// The same with the matrix of weights [batch, heads, queries, keys] as second result, for those who ask to see it.
Tensors attention_with_weights(const Tensor& query, const Tensor& key, const Tensor& value,
                               const AttentionMask& mask = {}, const AttentionOptions& options = {});

}  // namespace imago
