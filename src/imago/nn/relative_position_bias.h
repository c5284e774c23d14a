// Attention biases by the distance of query and key (Raffel et al. 2019, section 2.1).
#pragma once

#include "imago/nn/key_value_cache.h"
#include "imago/nn/layers.h"

namespace imago::nn {

// The bucket of a key at `distance` (its position less the query's). Half of the buckets are for one distance each, the
// others grow with its logarithm up to max_distance; a bidirectional stack has as many for either side. Equal to the
// reference's float32 arithmetic, also where a logarithm falls on the edge of two buckets.
int64_t relative_position_bucket(int64_t distance, bool bidirectional, int64_t num_buckets, int64_t max_distance);

// Throws Error kInvalidFile for a configuration that does not say every distance's bucket.
void check_buckets(int64_t num_buckets, int64_t max_distance);

// Of `tokens` queries behind those of the cache (null for none), to all keys: [1, heads, tokens, keys]. The table is
// [num_buckets, heads].
Tensor relative_position_bias(const Embedding& table, bool bidirectional, int64_t max_distance,
                              const KeyValueCache* cache, int64_t tokens);

}  // namespace imago::nn
