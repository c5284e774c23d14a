#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/processors/drawing/canvas.h"
#include "imago/processors/image/write_png.h"
#include "imago/train/chart.h"
#include "imago/train/report.h"

namespace imago {
namespace {

using drawing::Canvas;
using drawing::Color;

constexpr double kWidth = 560, kHeight = 260, kLeft = 64, kBottom = 32, kTop = 26, kRight = 14;
constexpr Color kGrid = {221, 221, 221}, kText = {85, 85, 85}, kCurves[] = {{36, 99, 176}, {196, 82, 10}};
constexpr double kThin = 1, kThick = 1.6, kLetters = 8;
constexpr int kColumns = 2;

// `anchor` is 0 for the text's left end at x, 1 for its right end, 0.5 for its middle; y is the line it stands on.
void label(Canvas& canvas, double x, double y, const std::string& text, Color color, double anchor) {
  canvas.text({x - anchor * drawing::text_width(text, kLetters), y - kLetters}, text, kLetters, color);
}

void draw(Canvas& canvas, const Chart& chart, double left, double top) {
  const Range steps = chart.steps(), values = chart.values();
  const auto x = [&](double step) { return left + kLeft + steps.place(step) * (kWidth - kLeft - kRight); };
  const auto y = [&](double value) {
    return top + kHeight - kBottom - values.place(value) * (kHeight - kBottom - kTop);
  };
  for (const double value : ticks(values, 5)) {
    canvas.line({left + kLeft, y(value)}, {left + kWidth - kRight, y(value)}, kThin, kGrid);
    label(canvas, left + kLeft - 6, y(value) + kLetters / 2, fmt::format("{:.4g}", value), kText, 1);
  }
  for (const double step : ticks(steps, 6))
    label(canvas, x(step), top + kHeight - kBottom + 16, fmt::format("{:.6g}", step), kText, 0.5);
  double key = left + kLeft;
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    const Color color = kCurves[i % std::size(kCurves)];
    const auto& [name, curve] = chart.curves[i];
    label(canvas, key, top + 16, name, color, 0);
    key += drawing::text_width(name, kLetters) + 2 * kLetters;
    const std::pair<double, double>* last = nullptr;
    for (const auto& point : curve) {
      if (!std::isfinite(point.second)) continue;
      if (last == nullptr) last = &point;  // one point is a dot
      canvas.line({x(last->first), y(last->second)}, {x(point.first), y(point.second)}, kThick, color);
      last = &point;
    }
  }
}

}  // namespace

std::string training_report_png(const std::vector<LogEntry>& entries) {
  const std::vector<Chart> charts = charts_of(entries);
  const int columns = std::min(kColumns, std::max(1, static_cast<int>(charts.size())));
  const int rows = (static_cast<int>(charts.size()) + columns - 1) / columns;
  const auto width = columns * static_cast<int64_t>(kWidth), height = std::max(1, rows) * static_cast<int64_t>(kHeight);
  Canvas canvas({height, width, std::vector<uint8_t>(static_cast<size_t>(height * width * Image::kChannels), 255)});
  for (size_t i = 0; i < charts.size(); ++i) {
    draw(canvas, charts[i], static_cast<double>(static_cast<int>(i) % columns) * kWidth,
         static_cast<double>(static_cast<int>(i) / columns) * kHeight);
  }
  return encode_png(canvas.image());
}

}  // namespace imago
