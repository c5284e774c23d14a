#include "imago/nn/vision/patch_grids.h"

#include <gtest/gtest.h>

#include "imago/base/error.h"

namespace imago::nn {
namespace {

constexpr int64_t kImage = 5, kVideo = 6;

Tensor grid(std::initializer_list<int64_t> values) {
  return Tensor::from(std::vector<int64_t>(values), {static_cast<int64_t>(values.size()) / 3, 3});
}

TEST(PatchGrids, PatchesStandInSquares) {
  const Tensor positions = patch_positions(read_grids(grid({1, 2, 4}), 2), 2);
  EXPECT_EQ(positions.to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 1, 1, 0, 0, 1, 1,     // rows
                                                                  0, 1, 0, 1, 2, 3, 2, 3}));  // columns
}

TEST(PatchGrids, TextGoesOnBehindTheLongestSide) {
  ImageTextToTextInputs in;
  in.input_ids = Tensor::from(std::vector<int64_t>{0, 9, kImage, kImage, kImage, 8, 7}, {1, 7});
  in.attention_mask = Tensor::from(std::vector<int64_t>{0, 1, 1, 1, 1, 1, 1}, {1, 7});
  const Tensor positions = text_and_patch_positions(in, {kImage, read_grids(grid({1, 2, 6}), 2)}, {}, 2);
  EXPECT_EQ(positions.to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 1, 1, 1, 4, 5,     // time
                                                                  0, 0, 1, 1, 1, 4, 5,     // height
                                                                  0, 0, 1, 2, 3, 4, 5}));  // width
}

// A video's time goes on by one for each step, wherever the text goes on behind it.
TEST(PatchGrids, VideosHaveTime) {
  ImageTextToTextInputs in;
  in.input_ids = Tensor::from(std::vector<int64_t>{9, kVideo, kVideo, kVideo, kVideo, 8, kImage, 7}, {1, 8});
  const Tensor positions = text_and_patch_positions(in, {kImage, read_grids(grid({1, 2, 2}), 2)},
                                                    {kVideo, read_grids(grid({2, 2, 4}), 2)}, 2);
  EXPECT_EQ(positions.to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 1, 2, 2, 3, 4, 5,     // time
                                                                  0, 1, 1, 1, 1, 3, 4, 5,     // height
                                                                  0, 1, 2, 1, 2, 3, 4, 5}));  // width
}

TEST(PatchGrids, RefusesWhatIsNoGridOfSquares) {
  EXPECT_THROW(read_grids({}, 2), Error);
  EXPECT_THROW(read_grids(grid({1, 3, 4}), 2), Error);
  EXPECT_THROW(read_grids(grid({0, 2, 4}), 2), Error);
  EXPECT_THROW(read_grids(grid({1, int64_t{1} << 40, 2}), 2), Error);
}

TEST(PatchGrids, RefusesPicturesThatDoNotStandInTheText) {
  ImageTextToTextInputs in;
  in.input_ids = Tensor::from(std::vector<int64_t>{9, kImage, 8}, {1, 3});
  EXPECT_NO_THROW(text_and_patch_positions(in, {kImage, read_grids(grid({1, 2, 2}), 2)}, {}, 2));
  EXPECT_THROW(text_and_patch_positions(in, {kImage, read_grids(grid({1, 2, 4}), 2)}, {}, 2), Error);
  EXPECT_THROW(text_and_patch_positions(in, {kImage, read_grids(grid({1, 2, 2, 1, 2, 2}), 2)}, {}, 2), Error);
  in.mm_token_type_ids = Tensor::from(std::vector<int64_t>{0, 2, 0}, {1, 3});  // a video, of which there is none
  EXPECT_THROW(text_and_patch_positions(in, {kImage, read_grids(grid({1, 2, 2}), 2)}, {}, 2), Error);
}

}  // namespace
}  // namespace imago::nn
