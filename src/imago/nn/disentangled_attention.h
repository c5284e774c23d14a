// Attention in which words and the distances between them have vectors of their own (He et al. 2020, "DeBERTa:
// Decoding-enhanced BERT with Disentangled Attention", section 3). B batch, T tokens, D hidden, H heads, K head size, S
// distances that have a vector.
#pragma once

#include "imago/nn/attention.h"
#include "imago/nn/layers.h"

namespace imago::nn {

struct DisentangledOptions {
  int64_t hidden_size = 0, heads = 0;
  bool relative = false;          // whether distances are told at all
  bool c2p = false, p2c = false;  // content attends to positions; positions attend to content
  bool share_keys = false;        // distances go through the projections of words
  int64_t buckets = -1;           // far distances share a vector; each has its own where there are none
  int64_t max_distance = 0;
  double dropped = 0;  // of the distances' vectors

  // Distances from -span to span - 1 have a vector each.
  int64_t span() const { return buckets > 0 ? buckets : max_distance; }
};

// The bucket of a distance: its own up to half of the buckets, by its logarithm beyond.
int64_t distance_bucket(int64_t distance, int64_t buckets, int64_t max_distance);

// What all layers share during one pass.
struct DisentangledContext : AttentionContext {
  Tensor distances;            // their vectors, [1, 2 * span, D]; undefined where attention has none
  Tensor to_keys, to_queries;  // the row of the distance from query to key, [Tq, Tk], and from key to query, [Tk, Tq]
  Tensor hidden;               // bool [B, 1, T, T]: query or key is padding; undefined for none
  Tensor padding;              // bool [B, 1, T, 1]: the query is
};

// Of full attention over so many tokens. `distances` [2 * span, D] may be undefined.
DisentangledContext disentangled_context(AttentionContext full, const Tensor& distances, int64_t tokens,
                                         const DisentangledOptions& options);

// Content attends to content, and to the distance between query and key as either sees it.
struct DisentangledAttention : Module {
  Linear query_proj, key_proj, value_proj, pos_key_proj, pos_query_proj;
  FIELDS(query_proj, key_proj, value_proj, pos_key_proj, pos_query_proj)

  explicit DisentangledAttention(const DisentangledOptions& o);
  Tensor operator()(const Tensor& x_BTD, const DisentangledContext& context) const;

  DisentangledOptions options;

 private:
  Tensor distance_scores(const Tensor& q_BHTK, const Tensor& k_BHTK, const DisentangledContext& context,
                         const Tensor& distances, double scale) const;
};

}  // namespace imago::nn
