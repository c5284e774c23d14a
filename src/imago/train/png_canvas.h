// A picture to draw on, written as PNG.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace imago {

using Color = std::array<uint8_t, 3>;

// White at first. Coordinates are pixels from the upper left corner; what is outside is not drawn.
class PngCanvas {
 public:
  PngCanvas(int width, int height);

  // With soft edges (Wu 1991, "An Efficient Antialiasing Technique"), about `thickness` pixels wide.
  void line(double x0, double y0, double x1, double y1, Color color, double thickness = 1);
  // Small letters, digits and .-+_ in cells of 6 x 9 pixels; others are left out. `anchor` is 0 for the text's left
  // end at x, 1 for its right end, 0.5 for its middle.
  void text(double x, double y, std::string_view text, Color color, double anchor = 0);

  // Throws Error kInternal where libpng fails.
  std::string png() const;

 private:
  void blend(int x, int y, Color color, double share);

  int width_, height_;
  std::vector<uint8_t> pixels_;  // red, green, blue
};

}  // namespace imago
