#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/train/chart.h"
#include "imago/train/png_canvas.h"
#include "imago/train/report.h"

namespace imago {
namespace {

constexpr double kWidth = 560, kHeight = 260, kLeft = 64, kBottom = 32, kTop = 26, kRight = 14;
constexpr Color kGrid = {221, 221, 221}, kText = {85, 85, 85}, kCurves[] = {{36, 99, 176}, {196, 82, 10}};
constexpr int kColumns = 2;

void draw(PngCanvas& canvas, const Chart& chart, double left, double top) {
  const Range steps = chart.steps(), values = chart.values();
  const auto x = [&](double step) { return left + kLeft + steps.place(step) * (kWidth - kLeft - kRight); };
  const auto y = [&](double value) {
    return top + kHeight - kBottom - values.place(value) * (kHeight - kBottom - kTop);
  };
  for (const double value : ticks(values, 5)) {
    canvas.line(left + kLeft, y(value), left + kWidth - kRight, y(value), kGrid);
    canvas.text(left + kLeft - 6, y(value) + 3, fmt::format("{:.4g}", value), kText, 1);
  }
  for (const double step : ticks(steps, 6))
    canvas.text(x(step), top + kHeight - kBottom + 14, fmt::format("{:.6g}", step), kText, 0.5);
  double key = left + kLeft;
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    const Color color = kCurves[i % std::size(kCurves)];
    const auto& [name, curve] = chart.curves[i];
    canvas.text(key, top + 14, name, color);
    key += 6.0 * static_cast<double>(name.size() + 2);
    const std::pair<double, double>* last = nullptr;
    for (const auto& point : curve) {
      if (!std::isfinite(point.second)) continue;
      if (last == nullptr) last = &point;  // one point is a dot
      canvas.line(x(last->first), y(last->second), x(point.first), y(point.second), color, 1.6);
      last = &point;
    }
  }
}

}  // namespace

std::string training_report_png(const std::vector<LogEntry>& entries) {
  const std::vector<Chart> charts = charts_of(entries);
  const int columns = std::min(kColumns, std::max(1, static_cast<int>(charts.size())));
  const int rows = (static_cast<int>(charts.size()) + columns - 1) / columns;
  PngCanvas canvas(columns * static_cast<int>(kWidth), std::max(1, rows) * static_cast<int>(kHeight));
  for (size_t i = 0; i < charts.size(); ++i) {
    draw(canvas, charts[i], static_cast<double>(static_cast<int>(i) % columns) * kWidth,
         static_cast<double>(static_cast<int>(i) / columns) * kHeight);
  }
  return canvas.png();
}

}  // namespace imago
