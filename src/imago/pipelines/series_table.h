// A table of series: a row for each step, a column for each series, and perhaps the time of each row.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "imago/pipelines/calendar.h"

namespace imago {

struct SeriesTable {
  std::string path;
  std::vector<std::string> names;            // of the series
  std::vector<std::vector<double>> columns;  // NaN where a value is missing
  std::vector<CalendarTime> times;           // empty where the table has none

  int64_t rows() const { return columns.empty() ? 0 : static_cast<int64_t>(columns[0].size()); }
  // The column of this name. Throws Error kNotFound, naming those there are.
  const std::vector<double>& column(const std::string& name) const;
};

// Reads a .csv or .tsv (or .jsonl) file. `timestamp_column` says where the times are; without it the first column is
// them where its values are times. Every other column has numbers; empty, "nan" and "NA" are missing ones. Throws Error
// kInvalidFile naming the line and the column of what is neither.
SeriesTable read_series_table(const std::string& path, const std::optional<std::string>& timestamp_column);

}  // namespace imago
