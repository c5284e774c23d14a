#include "imago/train/chart.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace imago {

void Range::add(double value) {
  low = std::min(low, value);
  high = std::max(high, value);
}

Range Chart::steps() const {
  Range range;
  for (const auto& [label, curve] : curves) {
    for (const auto& [step, value] : curve) range.add(step);
  }
  return range;
}

Range Chart::values() const {
  Range range;
  for (const auto& [label, curve] : curves) {
    for (const auto& [step, value] : curve) {
      if (std::isfinite(value)) range.add(value);
    }
  }
  return range;
}

std::vector<Chart> charts_of(const std::vector<LogEntry>& entries) {
  std::map<std::string, Curve> curves;
  for (const LogEntry& entry : entries) {
    for (const auto& [name, value] : entry) {
      if (name != "step" && name != "epoch") curves[name].emplace_back(entry.at("step"), value);
    }
  }
  std::vector<Chart> charts;
  for (const auto& [name, curve] : curves) {
    if (name.starts_with("eval_") && curves.contains(name.substr(5))) continue;  // with its training value
    Chart chart{name, {{name, curve}}};
    if (const auto twin = curves.find("eval_" + name); twin != curves.end()) chart.curves.emplace_back(*twin);
    charts.push_back(std::move(chart));
  }
  return charts;
}

std::vector<double> ticks(const Range& range, int count) {
  if (!(range.high > range.low)) return {range.low};
  const double rough = (range.high - range.low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {2.0, 5.0, 10.0}) {
    if (rough > step * 1.0001) step = power * factor;
  }
  std::vector<double> values;
  for (double value = std::ceil(range.low / step) * step; value <= range.high + step * 1e-9; value += step) {
    values.push_back(std::abs(value) < step * 1e-9 ? 0 : value);
  }
  return values;
}

}  // namespace imago
