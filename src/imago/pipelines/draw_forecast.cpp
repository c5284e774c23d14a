#include "imago/pipelines/draw_forecast.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/processors/drawing/canvas.h"
#include "imago/train/chart.h"

namespace imago {
namespace {

using drawing::Canvas;
using drawing::Color;

constexpr double kWidth = 720, kHeight = 260, kLeft = 72, kRight = 16, kTop = 28, kBottom = 34;
constexpr double kLetters = 8, kThin = 1, kThick = 1.8;
constexpr Color kGrid = {221, 221, 221}, kText = {85, 85, 85}, kPast = {60, 60, 60}, kFuture = {36, 99, 176},
                kTruth = {196, 82, 10};
constexpr int64_t kPastForEachFutureStep = 4;  // how much of the table is shown
constexpr size_t kMostSeries = 64;

struct SeriesLine {
  std::string name;
  Color color;
  std::vector<double> steps, values;  // NaN where nothing was observed
};

struct Panel {
  std::string column;
  std::vector<SeriesLine> lines;
  std::vector<double> steps, low, high;  // the band
};

std::vector<double> numbers(const Json& list) {
  std::vector<double> values;
  for (const Json& value : list) values.push_back(value.is_null() ? std::nan("") : value.get<double>());
  return values;
}

// The lowest and the highest of the quantiles, whose keys are numbers.
void read_band(const Json& forecast, Panel& panel) {
  double lowest = 2, highest = -1;
  for (const auto& [key, values] : forecast.items()) {
    if (key.empty() || key.find_first_not_of("0123456789.") != std::string::npos) continue;
    const double q = std::stod(key);
    if (q < lowest) panel.low = numbers(values), lowest = q;
    if (q > highest) panel.high = numbers(values), highest = q;
  }
}

Panel panel_of(const SeriesTable& table, const Json& forecast) {
  Panel panel{forecast.at("column").get<std::string>(), {}, {}, {}, {}};
  const std::vector<double> mean = numbers(forecast.at("mean"));
  const auto future = std::ssize(mean);
  const int64_t end = table.rows() - (forecast.contains("actual") ? future : 0);
  if (end < 1 || future < 1) throw Error(ErrorKind::kInvalidArgument, "draw", "the forecast is not of this table");
  SeriesLine past{"observed", kPast, {}, {}}, next{"forecast", kFuture, {}, {}}, truth{"what came", kTruth, {}, {}};
  const std::vector<double>& column = table.column(panel.column);
  for (int64_t step = std::max<int64_t>(0, end - kPastForEachFutureStep * future); step < end; ++step) {
    past.steps.push_back(static_cast<double>(step));
    past.values.push_back(column[static_cast<size_t>(step)]);
  }
  for (int64_t step = 0; step < future; ++step) panel.steps.push_back(static_cast<double>(end + step));
  next.steps = truth.steps = panel.steps;
  next.values = mean;
  read_band(forecast, panel);
  panel.lines = {std::move(past), std::move(next)};
  if (forecast.contains("actual")) {
    truth.values = numbers(forecast.at("actual"));
    panel.lines.push_back(std::move(truth));
  }
  return panel;
}

class PanelPainter {
 public:
  PanelPainter(Canvas& canvas, const Panel& panel, const SeriesTable& table, double top)
      : canvas_(canvas), panel_(panel), table_(table), top_(top) {
    std::vector<double> steps, values = panel.low;
    values.insert(values.end(), panel.high.begin(), panel.high.end());
    for (const SeriesLine& line : panel.lines) {
      steps.insert(steps.end(), line.steps.begin(), line.steps.end());
      values.insert(values.end(), line.values.begin(), line.values.end());
    }
    steps_ = range_of(steps);
    values_ = range_of(values);
  }

  void paint() {
    grid();
    band();
    double key = kLeft;
    label(kWidth - kRight, top_ + 16, panel_.column, kText, 1);
    for (const SeriesLine& line : panel_.lines) {
      label(key, top_ + 16, line.name, line.color, 0);
      key += drawing::text_width(line.name, kLetters) + 2 * kLetters;
      draw(line);
    }
  }

 private:
  static Range range_of(const std::vector<double>& values) {
    Range range;
    for (const double value : values) {
      if (std::isfinite(value)) range.add(value);
    }
    if (range.low > range.high) range.add(0);
    return range;
  }

  double x(double step) const { return kLeft + steps_.place(step) * (kWidth - kLeft - kRight); }
  double y(double value) const { return top_ + kHeight - kBottom - values_.place(value) * (kHeight - kBottom - kTop); }

  void label(double at_x, double at_y, const std::string& text, Color color, double anchor) {
    canvas_.text({at_x - anchor * drawing::text_width(text, kLetters), at_y - kLetters}, text, kLetters, color);
  }

  void grid() {
    for (const double value : ticks(values_, 5)) {
      canvas_.line({kLeft, y(value)}, {kWidth - kRight, y(value)}, kThin, kGrid);
      label(kLeft - 6, y(value) + kLetters / 2, fmt::format("{:.4g}", value), kText, 1);
    }
    for (const double step : ticks(steps_, 5)) label(x(step), top_ + kHeight - kBottom + 16, name_of(step), kText, 0.5);
  }

  // The time of a row, where the table has times.
  std::string name_of(double step) const {
    if (table_.times.empty()) return fmt::format("{:.6g}", step);
    const std::string time =
        format_time(step_of(table_.times, table_.path).after(table_.times[0], static_cast<int64_t>(step)));
    return time.ends_with(" 00:00:00") ? time.substr(0, 10) : time.substr(0, 16);
  }

  // A column of pixels at a time, between the steps on both sides.
  void band() {
    if (panel_.low.empty()) return;
    const double last = static_cast<double>(panel_.steps.size() - 1);
    const double from = x(panel_.steps.front()), to = x(panel_.steps.back());
    for (double at = std::floor(from); at <= to; ++at) {
      const double place = to > from ? std::clamp((at + 0.5 - from) / (to - from), 0.0, 1.0) * last : 0;
      const auto left = static_cast<size_t>(place), right = std::min(left + 1, panel_.steps.size() - 1);
      const double part = place - static_cast<double>(left);
      const auto between = [&](const std::vector<double>& v) { return v[left] + part * (v[right] - v[left]); };
      canvas_.fill_rectangle({at, y(between(panel_.high))}, {at + 1, y(between(panel_.low))}, kFuture, 0.2);
    }
  }

  void draw(const SeriesLine& line) {
    double last_x = 0, last_y = std::nan("");
    for (size_t i = 0; i < line.values.size(); ++i) {
      if (!std::isfinite(line.values[i])) {
        last_y = std::nan("");  // a gap
        continue;
      }
      const double to_x = x(line.steps[i]), to_y = y(line.values[i]);
      const bool begins = std::isnan(last_y);  // one value by itself is a dot
      canvas_.line({begins ? to_x : last_x, begins ? to_y : last_y}, {to_x, to_y}, kThick, line.color);
      last_x = to_x, last_y = to_y;
    }
  }

  Canvas& canvas_;
  const Panel& panel_;
  const SeriesTable& table_;
  double top_;
  Range steps_, values_;
};

}  // namespace

Image draw_forecast(const SeriesTable& table, const Json& answer) {
  const Json& forecasts = answer.at("forecasts");
  if (forecasts.size() > kMostSeries)
    throw Error(ErrorKind::kUnsupported, "draw", fmt::format("{} series, of at most {}", forecasts.size(), kMostSeries),
                "name some of the columns");
  const int64_t height = static_cast<int64_t>(kHeight) * std::max<int64_t>(1, static_cast<int64_t>(forecasts.size()));
  const auto width = static_cast<int64_t>(kWidth);
  Canvas canvas({height, width, std::vector<uint8_t>(static_cast<size_t>(height * width * Image::kChannels), 255)});
  for (size_t i = 0; i < forecasts.size(); ++i) {
    const Panel panel = panel_of(table, forecasts[i]);
    PanelPainter(canvas, panel, table, static_cast<double>(i) * kHeight).paint();
  }
  return canvas.image();
}

}  // namespace imago
