// The reference's values are those of its SAM image processor.
#include "imago/processors/image/masks.h"

#include <gtest/gtest.h>

#include "imago/base/error.h"
#include "imago/processors/image/crop_points.h"

namespace imago {
namespace {

using Runs = std::vector<int64_t>;

TEST(Masks, HaveRunsByRowAndByColumn) {
  const BinaryMask mask{3, 4, {0, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0}};
  EXPECT_EQ(runs_by_row(mask), (Runs{1, 2, 2, 1, 2, 2, 2}));
  EXPECT_EQ(runs_by_column(mask), (Runs{2, 5, 5}));
  EXPECT_EQ(runs_by_row({1, 2, {1, 1}}), (Runs{0, 2}));
  EXPECT_EQ(runs_by_column({2, 1, {0, 0}}), (Runs{2}));
  EXPECT_EQ(area(mask), 5);
}

TEST(Masks, HaveBoxes) {
  EXPECT_EQ(bounding_box({3, 4, {0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0}}), (std::array<int64_t, 4>{1, 1, 2, 2}));
  EXPECT_EQ(bounding_box({2, 2, {0, 0, 0, 0}}), (std::array<int64_t, 4>{0, 0, 0, 0}));
}

TEST(Masks, OfLowerScoreGoWhereTheyOverlap) {
  const std::vector<Corners> boxes = {{0, 0, 10, 10}, {1, 1, 10, 10}, {20, 20, 30, 30}, {0, 0, 10, 9}, {5, 5, 5, 5}};
  const std::vector<float> scores = {0.5F, 0.9F, 0.1F, 0.9F, 0.2F};
  EXPECT_EQ(suppress_overlaps(boxes, scores, 0.5), (std::vector<size_t>{1, 4, 2}));
  EXPECT_EQ(suppress_overlaps(boxes, scores, 0.99), (std::vector<size_t>{1, 3, 0, 4, 2}));
  EXPECT_TRUE(suppress_overlaps({}, {}, 0.5).empty());
}

TEST(CropPoints, AreTheReferences) {
  const auto crops =
      crops_with_points(30, 41, {.layers = 1, .overlap_ratio = 0.4, .points_per_side = 3, .longest_edge = 64});
  ASSERT_EQ(crops.size(), 5U);
  const int64_t sides[5][4] = {{0, 0, 41, 30}, {0, 0, 27, 21}, {0, 9, 27, 30}, {15, 0, 41, 21}, {15, 9, 41, 30}};
  for (size_t i = 0; i < crops.size(); ++i) {
    EXPECT_EQ(crops[i].left, sides[i][0]);
    EXPECT_EQ(crops[i].top, sides[i][1]);
    EXPECT_EQ(crops[i].right, sides[i][2]);
    EXPECT_EQ(crops[i].bottom, sides[i][3]);
    EXPECT_EQ(crops[i].points.size(), 9U);
  }
  EXPECT_EQ(crops[1].points[0], (std::array<double, 2>{10.666666666666666, 8.333333333333334}));
  EXPECT_EQ(crops[1].points[5], (std::array<double, 2>{53.33333333333333, 25.0}));
  EXPECT_EQ(crops[1].points[7], (std::array<double, 2>{32.0, 41.666666666666664}));
}

TEST(CropPoints, RefuseWhatCannotBe) {
  EXPECT_THROW(crops_with_points(30, 41, {.layers = 9}), Error);
  EXPECT_THROW(crops_with_points(30, 41, {.points_per_side = 0}), Error);
  EXPECT_THROW(crops_with_points(1, 1, {.layers = 3}), Error);
}

}  // namespace
}  // namespace imago
