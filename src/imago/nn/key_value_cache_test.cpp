#include "imago/nn/key_value_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "imago/base/error.h"
#include "imago/ops/contiguous/contiguous.h"

namespace imago {
namespace {

using testing::ElementsAre;

// One head of size one: the positions themselves.
Tensor positions(int64_t first, int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(first + i));
  return Tensor::from(values, {1, 1, count, 1});
}

std::vector<float> append(KeyValueCache& cache, int64_t first, int64_t count, std::optional<int64_t> window = {}) {
  const Tensor added = positions(first, count);
  const KeysValues all = cache.append(0, added, added, window);
  EXPECT_EQ(contiguous(all.keys).to_vector<float>(), contiguous(all.values).to_vector<float>());
  return contiguous(all.keys).to_vector<float>();
}

TEST(KeyValueCache, KeepsAllTokens) {
  KeyValueCache cache;
  EXPECT_THAT(append(cache, 0, 2), ElementsAre(0, 1));
  EXPECT_THAT(append(cache, 2, 1), ElementsAre(0, 1, 2));
  EXPECT_EQ(cache.length(), 3);
}

TEST(KeyValueCache, KeepsWhatAWindowShows) {
  KeyValueCache cache;
  EXPECT_THAT(append(cache, 0, 5, 3), ElementsAre(0, 1, 2, 3, 4));  // new tokens see one another's windows
  EXPECT_THAT(append(cache, 5, 1, 3), ElementsAre(3, 4, 5));
  EXPECT_THAT(append(cache, 6, 2, 3), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(append(cache, 8, 1, 1), ElementsAre(8));
  EXPECT_EQ(cache.length(), 9);
}

TEST(KeyValueCache, AWindowBoundsItsMemory) {
  KeyValueCache cache;
  append(cache, 0, 4, 8);
  const int64_t before = cache.nbytes();
  for (int64_t i = 4; i < 3000; ++i) {
    const std::vector<float> kept = append(cache, i, 1, 8);
    ASSERT_EQ(kept.back(), static_cast<float>(i));
    ASSERT_EQ(kept.front(), static_cast<float>(std::max<int64_t>(i - 7, 0)));
  }
  EXPECT_LE(cache.nbytes(), before + before / 8);
}

TEST(KeyValueCache, GoesBackOnlyToWhatItStillHas) {
  KeyValueCache cache;
  append(cache, 0, 5, 8);
  cache.crop(2);
  EXPECT_THAT(append(cache, 7, 1, 8), ElementsAre(0, 1, 7));
  append(cache, 8, 8, 4);
  append(cache, 16, 1, 4);
  EXPECT_THROW(cache.crop(3), Error);
}

TEST(KeyValueCache, CarriesRecurrentStates) {
  KeyValueCache cache;
  EXPECT_TRUE(cache.state(0).empty());
  cache.set_state(0, {Tensor::from(std::vector<float>{1, 2}, {2, 1})}, 3);
  cache.set_state(0, {Tensor::from(std::vector<float>{3, 4}, {2, 1})}, 1);
  EXPECT_EQ(cache.length(), 4);
  EXPECT_EQ(cache.nbytes(), 8);
  const std::vector<int64_t> order = {1, 1, 0};
  cache.reorder(order);
  EXPECT_THAT(cache.state(0)[0].to_vector<float>(), ElementsAre(4, 4, 3));
  EXPECT_THROW(cache.crop(1), Error);
}

}  // namespace
}  // namespace imago
