#include "imago/nn/relative_position_bias.h"

#include <gtest/gtest.h>

#include <vector>

namespace imago::nn {
namespace {

struct BucketCase {
  bool bidirectional;
  int64_t num_buckets, max_distance;
  std::vector<int64_t> buckets;
};

// What the reference gives; a ratio of logarithms falls on the edge between two buckets at 16, 32, 64 and 128.
TEST(RelativePositionBiasTest, BucketsAreThoseOfTheReference) {
  const std::vector<int64_t> distances = {-200, -128, -91, -64, -45, -32, -23, -16, -12, -8, -5,  -1, 0,
                                          1,    5,    8,   12,  16,  23,  32,  45,  64,  91, 128, 500};
  const std::vector<BucketCase> cases = {
      {true, 32, 128, {15, 15, 15, 14, 12, 12, 11, 10, 9, 8, 5, 1, 0, 17, 21, 24, 25, 26, 27, 28, 28, 30, 31, 31, 31}},
      {false, 32, 128, {31, 31, 29, 26, 23, 21, 18, 16, 12, 8, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
      {true, 16, 20, {7, 7, 7, 7, 7, 7, 7, 7, 6, 5, 4, 1, 0, 9, 12, 13, 14, 15, 15, 15, 15, 15, 15, 15, 15}},
      {false, 8, 12, {7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
  };
  for (const BucketCase& c : cases) {
    std::vector<int64_t> buckets;
    for (const int64_t distance : distances) {
      buckets.push_back(relative_position_bucket(distance, c.bidirectional, c.num_buckets, c.max_distance));
    }
    EXPECT_EQ(buckets, c.buckets) << c.num_buckets << " buckets up to " << c.max_distance;
  }
}

}  // namespace
}  // namespace imago::nn
