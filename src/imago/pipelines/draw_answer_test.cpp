#include "imago/pipelines/draw_answer.h"

#include <gtest/gtest.h>

#include "imago/base/error.h"
#include "imago/pipelines/mask_json.h"

namespace imago {
namespace {

constexpr int64_t kSide = 600;  // large enough to be left at its size

Image gray() { return {kSide, kSide, std::vector<uint8_t>(static_cast<size_t>(kSide * kSide * 3), 100)}; }

bool is_gray(const Image& image, int64_t x, int64_t y) {
  const uint8_t* pixel = image.pixels.data() + (y * image.width + x) * 3;
  return pixel[0] == 100 && pixel[1] == 100 && pixel[2] == 100;
}

Json box(int64_t xmin, int64_t ymin, int64_t xmax, int64_t ymax) {
  return {{"xmin", xmin}, {"ymin", ymin}, {"xmax", xmax}, {"ymax", ymax}};
}

Json square(int64_t from, int64_t to) {
  BinaryMask mask{kSide, kSide, std::vector<uint8_t>(static_cast<size_t>(kSide * kSide), 0)};
  for (int64_t y = from; y < to; ++y)
    std::fill(mask.inside.begin() + y * kSide + from, mask.inside.begin() + y * kSide + to, 1);
  return mask_json(mask);
}

TEST(DrawAnswer, HasBoxesWithLabels) {
  const Json answer = Json::array({{{"score", 0.9}, {"label", "cat"}, {"box", box(100, 200, 400, 500)}}});
  const Image drawn = draw_answer("object-detection", gray(), answer);
  EXPECT_EQ(drawn.width, kSide);
  EXPECT_FALSE(is_gray(drawn, 250, 500));  // the lower side
  EXPECT_FALSE(is_gray(drawn, 110, 190));  // the label above the upper one
  EXPECT_TRUE(is_gray(drawn, 50, 50));
  EXPECT_TRUE(is_gray(draw_answer("object-detection", gray(), Json::array()), 250, 500));
}

TEST(DrawAnswer, HasMasks) {
  const Json segments = Json::array({{{"score", nullptr}, {"label", "sky"}, {"mask", square(100, 300)}},
                                     {{"score", 0.5}, {"label", "sky"}, {"mask", square(0, 0)}}});
  const Image drawn = draw_answer("image-segmentation", gray(), segments);
  EXPECT_FALSE(is_gray(drawn, 110, 290));
  EXPECT_TRUE(is_gray(drawn, 90, 290));
  const Json masks = {{"masks", Json::array({square(100, 300), square(150, 200)})}, {"scores", {0.5, 0.6}}};
  const Image several = draw_answer("mask-generation", gray(), masks);
  EXPECT_FALSE(is_gray(several, 110, 290));
  EXPECT_NE(several.pixels[(175 * kSide + 175) * 3],
            several.pixels[(110 * kSide + 110) * 3]);  // the smaller one on top
}

TEST(DrawAnswer, HasDepthBesideThePicture) {
  const Image small{2, 3, std::vector<uint8_t>(18, 100)};
  const Json depth = {{"predicted_depth", {{0.0, 1.0, 2.0}, {0.0, 1.0, 2.0}}},
                      {"depth", {{0, 127, 255}, {0, 127, 255}}}};
  const Image drawn = draw_answer("depth-estimation", small, depth);
  EXPECT_EQ(drawn.width, 3 * drawn.height);
  EXPECT_GT(drawn.height, 2);  // enlarged
  EXPECT_TRUE(is_gray(drawn, 0, 0));
  EXPECT_LT(drawn.pixels[(drawn.width / 2) * 3], drawn.pixels[(drawn.width - 1) * 3]);
}

TEST(DrawAnswer, RefusesOtherTasks) {
  EXPECT_FALSE(can_draw("fill-mask"));
  EXPECT_TRUE(can_draw("depth-estimation"));
  EXPECT_THROW(draw_answer("fill-mask", gray(), Json::array()), Error);
}

}  // namespace
}  // namespace imago
