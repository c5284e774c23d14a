#include "imago/processors/drawing/canvas.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "imago/base/unicode.h"
#include "imago/processors/drawing/letters.h"

namespace imago::drawing {
namespace {

constexpr double kCapitalRows = 6;  // of the letters' grid

struct Segment {
  Point from, to;
};

// From the middle of a pixel to the nearest point of the segment.
double distance(double x, double y, const Segment& s) {
  const double dx = s.to.x - s.from.x, dy = s.to.y - s.from.y, length = dx * dx + dy * dy;
  const double at = length > 0 ? std::clamp(((x - s.from.x) * dx + (y - s.from.y) * dy) / length, 0.0, 1.0) : 0;
  return std::hypot(x - s.from.x - at * dx, y - s.from.y - at * dy);
}

// All at once, so that nothing is darker where strokes meet.
void draw_strokes(Canvas& canvas, const std::vector<Segment>& segments, double thickness, Color color, double opacity) {
  if (segments.empty()) return;
  const double radius = thickness / 2;
  Point low = segments[0].from, high = low;
  for (const Segment& s : segments) {
    for (const Point& p : {s.from, s.to}) {
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
  }
  const auto first = [&](double at) { return std::max<int64_t>(0, static_cast<int64_t>(std::floor(at - radius - 1))); };
  const auto last = [&](double at, int64_t size) {
    return std::min(size - 1, static_cast<int64_t>(std::ceil(at + radius + 1)));
  };
  for (int64_t y = first(low.y); y <= last(high.y, canvas.height()); ++y) {
    for (int64_t x = first(low.x); x <= last(high.x, canvas.width()); ++x) {
      double nearest = 1e30;
      for (const Segment& s : segments)
        nearest = std::min(nearest, distance(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5, s));
      const double cover = std::clamp(radius + 0.5 - nearest, 0.0, 1.0);
      if (cover > 0) canvas.blend(x, y, color, cover * opacity);
    }
  }
}

void for_each_character(std::string_view text, const std::function<void(char32_t)>& body) {
  while (!text.empty()) {
    const DecodedCharacter next = decode_utf8(text);
    body(next.code_point);
    text.remove_prefix(std::max<size_t>(1, next.size));
  }
}

// The columns that a letter takes: the first one and how many there are up to the next letter.
struct Columns {
  double first = 0, advance = 3;
};

Columns columns_of(std::string_view strokes) {
  if (strokes.empty()) return {};
  double low = 4, high = 0;
  for (size_t i = 0; i < strokes.size(); i += 3) {
    low = std::min(low, static_cast<double>(strokes[i] - '0'));
    high = std::max(high, static_cast<double>(strokes[i] - '0'));
  }
  return {low, high - low + 2};
}

}  // namespace

void Canvas::blend(int64_t x, int64_t y, Color color, double opacity) {
  if (x < 0 || y < 0 || x >= image_.width || y >= image_.height) return;
  uint8_t* pixel = image_.pixels.data() + (y * image_.width + x) * Image::kChannels;
  const uint8_t parts[] = {color.red, color.green, color.blue};
  for (int c = 0; c < 3; ++c)
    pixel[c] = static_cast<uint8_t>(std::lround(pixel[c] + (parts[c] - pixel[c]) * std::clamp(opacity, 0.0, 1.0)));
}

void Canvas::fill_rectangle(Point from, Point to, Color color, double opacity) {
  for (auto y = static_cast<int64_t>(std::floor(from.y)); y < static_cast<int64_t>(std::ceil(to.y)); ++y) {
    for (auto x = static_cast<int64_t>(std::floor(from.x)); x < static_cast<int64_t>(std::ceil(to.x)); ++x)
      blend(x, y, color, opacity);
  }
}

void Canvas::line(Point from, Point to, double thickness, Color color, double opacity) {
  draw_strokes(*this, {{from, to}}, thickness, color, opacity);
}

void Canvas::rectangle(Point from, Point to, double thickness, Color color) {
  const Point right_top{to.x, from.y}, left_bottom{from.x, to.y};
  line(from, right_top, thickness, color);
  line(right_top, to, thickness, color);
  line(to, left_bottom, thickness, color);
  line(left_bottom, from, thickness, color);
}

void Canvas::mask(const BinaryMask& mask, double thickness, Color color, double opacity) {
  const auto inside = [&](int64_t x, int64_t y) {
    return x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask.inside[y * mask.width + x] != 0;
  };
  const auto reach = static_cast<int64_t>(std::ceil(thickness));
  for (int64_t y = 0; y < std::min(mask.height, height()); ++y) {
    for (int64_t x = 0; x < std::min(mask.width, width()); ++x) {
      if (!inside(x, y)) continue;
      double gap = thickness + 1;  // to the nearest pixel outside
      for (int64_t dy = -reach; dy <= reach; ++dy) {
        for (int64_t dx = -reach; dx <= reach; ++dx) {
          const bool in_picture = x + dx >= 0 && y + dy >= 0 && x + dx < mask.width && y + dy < mask.height;
          if (in_picture && !inside(x + dx, y + dy))
            gap = std::min(gap, std::hypot(static_cast<double>(dx), static_cast<double>(dy)));
        }
      }
      blend(x, y, color, std::max(opacity, std::clamp(thickness + 1 - gap, 0.0, 1.0)));
    }
  }
}

void Canvas::text(Point at, std::string_view text, double size, Color color) {
  const double unit = size / kCapitalRows, pen = std::max(1.0, size / 6.5);
  for_each_character(text, [&](char32_t character) {
    const std::string_view path = strokes(character);
    const Columns columns = columns_of(path);
    std::vector<Segment> segments;
    const auto point = [&](size_t i) {
      return Point{at.x + (path[i] - '0' - columns.first) * unit + pen / 2, at.y + (path[i + 1] - '0') * unit};
    };
    for (size_t i = 0; i + 4 < path.size(); i += 3) {
      if (path[i + 2] == ' ') segments.push_back({point(i), point(i + 3)});
    }
    draw_strokes(*this, segments, pen, color, 1);
    at.x += columns.advance * unit;
  });
}

double text_width(std::string_view text, double size) {
  double columns = 0;
  for_each_character(text, [&](char32_t character) { columns += columns_of(strokes(character)).advance; });
  return std::max(0.0, columns - 1) * size / kCapitalRows;
}

Color readable_on(Color background) {
  const double light = 0.299 * background.red + 0.587 * background.green + 0.114 * background.blue;
  return light > 150 ? Color{20, 20, 24} : Color{255, 255, 255};
}

Color distinct_color(size_t index) {
  // Around the circle of colours by the golden angle, which never comes close to where it was, in three brightnesses.
  const double hue = std::fmod(210 + 137.50776 * static_cast<double>(index), 360) / 60;
  const double value = index % 3 == 2 ? 0.8 : 1, saturation = index % 3 == 1 ? 0.6 : 0.78;
  const auto part = [&](double offset) {
    const double k = std::fmod(offset + hue, 6);
    const double share = value - value * saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0);
    return static_cast<uint8_t>(std::lround(255 * share));
  };
  return {part(5), part(3), part(1)};
}

Color heat(double value) {
  static constexpr Color kSteps[] = {{4, 5, 20},    {45, 14, 92},   {114, 24, 120}, {186, 44, 104},
                                     {237, 92, 66}, {253, 162, 60}, {252, 243, 186}};
  constexpr int kLast = static_cast<int>(std::size(kSteps)) - 1;
  const double at = std::clamp(std::isfinite(value) ? value : 0.0, 0.0, 1.0) * kLast;
  const int low = std::min(static_cast<int>(at), kLast - 1);
  const auto between = [&](uint8_t a, uint8_t b) {
    return static_cast<uint8_t>(std::lround(a + (b - a) * (at - low)));
  };
  const Color& a = kSteps[low];
  const Color& b = kSteps[low + 1];
  return {between(a.red, b.red), between(a.green, b.green), between(a.blue, b.blue)};
}

}  // namespace imago::drawing
