#include "imago/models/deberta_v2/deberta_v2.h"

#include <gtest/gtest.h>

#include <vector>

#include "imago/base/error.h"

namespace imago::deberta_v2 {
namespace {

TEST(DebertaV2Test, BucketsAreThoseOfTheReference) {
  const auto buckets = [](const std::vector<int64_t>& distances, int64_t count, int64_t max_distance) {
    std::vector<int64_t> found;
    for (const int64_t distance : distances) found.push_back(nn::distance_bucket(distance, count, max_distance));
    return found;
  };
  EXPECT_EQ(buckets({-9, -5, -4, -1, 0, 3, 4, 5, 6, 7, 8, 15}, 8, 16),
            (std::vector<int64_t>{-6, -5, -4, -1, 0, 3, 4, 5, 5, 6, 6, 7}));
  EXPECT_EQ(buckets({-90, -40, -17, -16, -9, 0, 8, 15, 20, 33, 64, 99}, 32, 100),
            (std::vector<int64_t>{-31, -24, -17, -16, -9, 0, 8, 15, 18, 22, 28, 31}));
}

TEST(DebertaV2Test, WhatIsNotComputedIsRefused) {
  const auto refused = [](auto change) {
    DebertaV2Config config;
    change(config);
    EXPECT_THROW(config.validate(), Error);
  };
  EXPECT_NO_THROW(DebertaV2Config().validate());
  refused([](DebertaV2Config& c) { c.is_decoder = true; });
  refused([](DebertaV2Config& c) { c.attention_head_size = 10; });
  refused([](DebertaV2Config& c) { c.pooler_hidden_size = 10; });
  refused([](DebertaV2Config& c) { c.position_buckets = 2; });
  refused([](DebertaV2Config& c) { c.conv_kernel_size = 4; });
}

}  // namespace
}  // namespace imago::deberta_v2
