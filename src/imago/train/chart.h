// Curves of a training log, as reports draw them.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "imago/train/trainer_callback.h"

namespace imago {

using Curve = std::vector<std::pair<double, double>>;  // steps and values

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();

  void add(double value);
  double place(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }  // 0 to 1
};

// A value and its evaluation, which share their axes.
struct Chart {
  std::string name;
  std::vector<std::pair<std::string, Curve>> curves;

  Range steps() const;
  Range values() const;  // the finite ones
};

// A chart for each value that was logged, "eval_" ones in that of their training value.
std::vector<Chart> charts_of(const std::vector<LogEntry>& entries);

// Values at round distances, about `count` of them.
std::vector<double> ticks(const Range& range, int count);

}  // namespace imago
