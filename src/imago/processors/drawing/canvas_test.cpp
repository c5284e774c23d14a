#include "imago/processors/drawing/canvas.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "imago/base/error.h"
#include "imago/processors/image/decode.h"
#include "imago/processors/image/write_png.h"

namespace imago::drawing {
namespace {

Image blank(int64_t height, int64_t width) {
  return {height, width, std::vector<uint8_t>(static_cast<size_t>(height * width * 3), 0)};
}

Color at(const Image& image, int64_t x, int64_t y) {
  const uint8_t* pixel = image.pixels.data() + (y * image.width + x) * 3;
  return {pixel[0], pixel[1], pixel[2]};
}

constexpr Color kRed{200, 0, 0};

TEST(Canvas, DrawsLinesOfTheirThickness) {
  Canvas canvas(blank(9, 20));
  canvas.line({3, 4.5}, {16, 4.5}, 3, kRed);
  for (const auto& [y, red] :
       {std::pair(2, 0), std::pair(3, 200), std::pair(4, 200), std::pair(5, 200), std::pair(6, 0)})
    EXPECT_EQ(at(canvas.image(), 10, y).red, red) << y;
  EXPECT_EQ(at(canvas.image(), 0, 4).red, 0);
  EXPECT_EQ(at(canvas.image(), 19, 4).red, 0);
}

TEST(Canvas, LeavesOutWhatIsOutside) {
  Canvas canvas(blank(4, 4));
  canvas.rectangle({-10, -10}, {50, 2}, 2, kRed);
  canvas.fill_rectangle({-5, -5}, {1, 1}, kRed, 0.5);
  canvas.text({-30, 2}, "outside", 12, kRed);
  canvas.mask({9, 9, std::vector<uint8_t>(81, 1)}, 2, kRed, 0.5);
  EXPECT_EQ(canvas.image().pixels.size(), 48U);
  EXPECT_EQ(at(canvas.image(), 3, 3).red, 100);  // the mask has no edge there
}

TEST(Canvas, FillsMasksAndMarksTheirEdge) {
  Canvas canvas(blank(20, 20));
  BinaryMask mask{20, 20, std::vector<uint8_t>(400, 0)};
  for (int64_t y = 4; y < 16; ++y) std::fill_n(mask.inside.begin() + y * 20 + 4, 12, 1);
  canvas.mask(mask, 1, kRed, 0.5);
  EXPECT_EQ(at(canvas.image(), 10, 10).red, 100);
  EXPECT_GT(at(canvas.image(), 4, 10).red, 100);
  EXPECT_EQ(at(canvas.image(), 3, 10).red, 0);
}

TEST(Canvas, WritesTextOfTheWidthThatItSays) {
  const std::string_view text = "Cat 0.98 é";
  Canvas canvas(blank(30, 400));
  canvas.text({10, 8}, text, 12, kRed);
  int64_t first = 400, last = 0;
  for (int64_t y = 0; y < 30; ++y) {
    for (int64_t x = 0; x < 400; ++x) {
      if (at(canvas.image(), x, y).red == 0) continue;
      first = std::min(first, x);
      last = std::max(last, x);
    }
  }
  EXPECT_NEAR(static_cast<double>(first), 10, 1);
  EXPECT_NEAR(static_cast<double>(last), 10 + text_width(text, 12), 3);
}

TEST(Colors, AreFarApart) {
  for (size_t i = 0; i < 12; ++i) {
    for (size_t j = 0; j < i; ++j) {
      const Color a = distinct_color(i), b = distinct_color(j);
      EXPECT_GT(std::hypot(a.red - b.red, a.green - b.green, a.blue - b.blue), 30) << i << " " << j;
    }
  }
}

TEST(Colors, OfHeatGrowBrighter) {
  double before = -1;
  for (int i = 0; i <= 20; ++i) {
    const Color c = heat(i / 20.0);
    const double light = 0.299 * c.red + 0.587 * c.green + 0.114 * c.blue;
    EXPECT_GT(light, before) << i;
    before = light;
  }
  EXPECT_EQ(heat(-3).red, heat(0).red);
  EXPECT_EQ(heat(std::nan("")).red, heat(0).red);
}

TEST(WritePng, IsReadBack) {
  Image image = blank(3, 5);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 5);
  const std::string bytes = encode_png(image);
  EXPECT_EQ(decode_image(std::as_bytes(std::span(bytes))).pixels, image.pixels);
  EXPECT_THROW(encode_png({}), Error);
  EXPECT_THROW(write_png("/nowhere/at/all.png", image), Error);
}

}  // namespace
}  // namespace imago::drawing
