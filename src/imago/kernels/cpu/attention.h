// Scaled dot product attention, forward, without ever storing the matrix of scores.
// ("FlashAttention", 2022; split along the keys for few queries as in "Flash-Decoding", 2023)
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace imago::kernels {

// output = softmax(scale * query key^T + bias, masked) value
//
//   query  [batch, heads, queries, head_size]            element stride 1 in the last dimension, strides given for the
//   rest key    [batch, key_value_heads, keys, head_size]     query head h reads key/value head h / (heads /
//   key_value_heads) value  [batch, key_value_heads, keys, value_size] output [batch, heads, queries, value_size]
//
// Which keys a query sees is described, not stored. Query i stands at position p = i + keys - queries. Key j is visible
// if all of these hold:
//   causal:  j <= p, or j < prefix (a prefix is seen by all: prefix language models)
//   window:  j > p - window, and j < p + window unless causal, or j < prefix
//   key_mask / key_lengths: j is not padding
// A query that sees no key gets zeros.
template <class T>
struct Attention {
  int64_t batch = 1, heads = 1, key_value_heads = 1, queries = 0, keys = 0, head_size = 0, value_size = 0;

  struct Strides {
    int64_t batch = 0, head = 0, token = 0;
  };
  const T* query = nullptr;
  Strides query_strides;
  const T* key = nullptr;
  Strides key_strides;
  const T* value = nullptr;
  Strides value_strides;
  T* output = nullptr;
  Strides output_strides;

  // Keys or values in another form, for T float alone: where a head's begin, and how a few that lie one after another
  // become [tokens, head_size or value_size]. They are decoded as they are needed; `key` and `value` are not read then.
  struct Packed {
    void (*decode)(const void* heads, const std::byte* from, int64_t tokens, float* to) = nullptr;  // null: not packed
    const std::byte* (*head)(const void* heads, int64_t batch, int64_t head) = nullptr;
    const void* heads = nullptr;
    int64_t token_bytes = 0;
  };
  Packed packed_key, packed_value;

  float scale = 1;    // usually 1 / sqrt(head_size)
  float softcap = 0;  // if positive, scores become softcap * tanh(score / softcap) before bias and mask
  bool causal = false;
  int64_t window = std::numeric_limits<int64_t>::max();  // how many positions back a query sees, its own included
  int64_t prefix = 0;
  const int64_t* key_lengths = nullptr;  // [batch]: keys at and behind it are padding
  const bool* key_mask = nullptr;        // [batch, keys], contiguous: false is padding
  const float* bias = nullptr;           // added to the scaled scores; -infinity hides a key
  struct {
    int64_t batch = 0, head = 0, query = 0, key = 0;  // 0 broadcasts; key is 0 or 1
  } bias_strides;
  const float* sinks = nullptr;  // [heads]: one more score per head in the softmax's sum, with no value to it
};

// Computes on all threads of the pool. Defined for float, bfloat16 and float16; sums in float.
template <class T>
void attention(const Attention<T>& arguments);

}  // namespace imago::kernels
