#include "imago/nn/vision/matching.h"

#include <gmock/gmock.h>

#include <limits>

#include "imago/ops/operators.h"

namespace imago::nn {
namespace {

using testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// scipy.optimize.linear_sum_assignment of the same.
TEST(Matching, FindsTheLeastSum) {
  EXPECT_THAT(assign({4, 1, 3, 2, 0, 5, 3, 2, 2}, 3, 3), ElementsAre(1, 0, 2));
  EXPECT_THAT(assign({10, 19, 8, 15, 10, 18, 7, 17, 13, 16, 9, 14}, 4, 3), ElementsAre(2, 3, 0));
  EXPECT_THAT(assign({}, 3, 0), ElementsAre());
}

TEST(Matching, PairsStandInTheOrderOfPredictions) {
  const Matches matches = match(Tensor::from(std::vector<float>{9, 1, 9, 9, 1, 9, 9, 9}, {4, 2}));
  EXPECT_THAT(matches.predictions, ElementsAre(0, 2));
  EXPECT_THAT(matches.objects, ElementsAre(1, 0));
}

TEST(Matching, WhatIsNoNumberCostsMost) {
  const auto nothing = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(match(Tensor::from(std::vector<float>{nothing, 5, 7}, {3, 1})).predictions, ElementsAre(1));
  EXPECT_THAT(match(Tensor::from(std::vector<float>{static_cast<float>(-kInfinity), 5, 7}, {3, 1})).predictions,
              ElementsAre(1));
}

// Masks of several sizes are as large as the largest, with nothing behind their ends.
TEST(Matching, ObjectsArePadded) {
  const Tensor small = Tensor::ones({1, 1, 2}), large = Tensor::ones({2, 2, 1});
  const Tensor all = matched_objects({small, large}, {{{0}, {0}}, {{1, 2}, {1, 0}}});
  EXPECT_TRUE(all.shape() == (Shape{3, 2, 2}));
  EXPECT_THAT(all.to_vector<float>(), ElementsAre(1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0));
}

TEST(Matching, PredictionsOfAllPictures) {
  const Tensor x = Tensor::from(std::vector<float>{0, 1, 2, 10, 11, 12}, {2, 3});
  EXPECT_THAT(matched_predictions(x, {{{2}, {0}}, {{0, 1}, {1, 0}}}).to_vector<float>(), ElementsAre(2, 10, 11));
}

}  // namespace
}  // namespace imago::nn
