#include "imago/nn/relative_position_bias.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "imago/base/error.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::nn {

int64_t relative_position_bucket(int64_t distance, bool bidirectional, int64_t num_buckets, int64_t max_distance) {
  int64_t first = 0;
  if (bidirectional) {
    num_buckets /= 2;
    if (distance > 0) first = num_buckets;
    distance = std::abs(distance);
  } else {
    distance = std::max<int64_t>(-distance, 0);
  }
  const int64_t exact = num_buckets / 2;
  if (distance < exact) return first + distance;
  // Each step rounds to float32; the logarithm is the correctly rounded one, which the reference's is here too.
  const float ratio = static_cast<float>(distance) / static_cast<float>(exact);
  const auto log_ratio = static_cast<float>(std::log(static_cast<double>(ratio)));
  const auto log_range = static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  const float steps = log_ratio / log_range * static_cast<float>(num_buckets - exact);
  return first + std::min(exact + static_cast<int64_t>(steps), num_buckets - 1);
}

void check_buckets(int64_t num_buckets, int64_t max_distance) {
  if (num_buckets >= 4 && max_distance > num_buckets / 2) return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              fmt::format("relative_attention_max_distance {} is not beyond the {} distances that have a bucket each",
                          max_distance, num_buckets / 2));
}

Tensor relative_position_bias(const Embedding& table, bool bidirectional, int64_t max_distance,
                              const KeyValueCache* cache, int64_t tokens) {
  const int64_t past = cache != nullptr ? cache->length() : 0;
  const int64_t keys = past + tokens, num_buckets = table.weight.size(0);
  std::vector<int64_t> buckets;
  buckets.reserve(static_cast<size_t>(tokens * keys));
  for (int64_t query = past; query < keys; ++query) {
    for (int64_t key = 0; key < keys; ++key)
      buckets.push_back(relative_position_bucket(key - query, bidirectional, num_buckets, max_distance));
  }
  const Tensor bias_TSH = table(Tensor::from(std::span<const int64_t>(buckets), {tokens, keys}));
  return contiguous(unsqueeze(permute(bias_TSH, {2, 0, 1}), 0));
}

}  // namespace imago::nn
