// Drawing on pictures: smooth lines, rectangles, filled masks and labels.
#pragma once

#include <string_view>

#include "imago/processors/image/image.h"
#include "imago/processors/image/masks.h"

namespace imago::drawing {

struct Color {
  uint8_t red = 0, green = 0, blue = 0;
};

struct Point {
  double x = 0, y = 0;  // in pixels; (0, 0) is the corner of the first one
};

class Canvas {
 public:
  explicit Canvas(Image image) : image_(std::move(image)) {}
  const Image& image() const { return image_; }
  int64_t height() const { return image_.height; }
  int64_t width() const { return image_.width; }

  // What is outside of the picture is left out. `opacity` is from 0 to 1.
  void blend(int64_t x, int64_t y, Color color, double opacity);
  void fill_rectangle(Point from, Point to, Color color, double opacity = 1);
  void line(Point from, Point to, double thickness, Color color, double opacity = 1);
  void rectangle(Point from, Point to, double thickness, Color color);
  // The pixels inside, and a line along their edge.
  void mask(const BinaryMask& mask, double thickness, Color color, double opacity);
  // Letters whose capitals are `size` pixels high, in a line from (left, top) on.
  void text(Point at, std::string_view text, double size, Color color);

 private:
  Image image_;
};

double text_width(std::string_view text, double size);

// Black or white, whichever can be read on it.
Color readable_on(Color background);

// Colours that are far from one another, without end.
Color distinct_color(size_t index);

// From black over violet and orange to light yellow, 0 to 1; equal steps look equally large.
Color heat(double value);

}  // namespace imago::drawing
