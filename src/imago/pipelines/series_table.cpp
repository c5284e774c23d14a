#include "imago/pipelines/series_table.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/train/json_rows.h"

namespace imago {
namespace {

std::string text_of(const Json& value) {
  if (value.is_null()) return {};
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

double number_of(const Row& row, const std::string& column) {
  std::string text = text_of(row.values.value(column, Json()));
  const size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
  text = first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
  if (text.empty() || text == "nan" || text == "NaN" || text == "NA" || text == "null")
    return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const auto [end, failure] = std::from_chars(begin, text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || std::isinf(value)) {
    throw Error(ErrorKind::kInvalidFile, row.where,
                fmt::format("column \"{}\" has \"{}\", which is no number", column, text),
                "name the column of the times with timestamp_column, if it is that");
  }
  return value;
}

}  // namespace

const std::vector<double>& SeriesTable::column(const std::string& name) const {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return columns[i];
  }
  throw Error(ErrorKind::kNotFound, path, fmt::format("no column \"{}\"", name),
              fmt::format("there are {}", fmt::join(names, ", ")));
}

SeriesTable read_series_table(const std::string& path, const std::optional<std::string>& timestamp_column) {
  const std::vector<Row> rows = read_rows(path);
  if (rows.empty()) throw Error(ErrorKind::kInvalidFile, path, "it has no rows");
  SeriesTable table{.path = path};
  std::string times;
  for (const auto& [name, value] : rows[0].values.items()) {
    const bool is_time = timestamp_column ? name == *timestamp_column
                                          : times.empty() && table.names.empty() && parse_time(text_of(value));
    is_time ? times = name : table.names.emplace_back(name);
  }
  if (timestamp_column && times.empty())
    throw Error(ErrorKind::kNotFound, path, fmt::format("no column \"{}\"", *timestamp_column));
  if (table.names.empty()) throw Error(ErrorKind::kInvalidFile, path, "it has no column of numbers");
  table.columns.resize(table.names.size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < table.names.size(); ++i) table.columns[i].push_back(number_of(row, table.names[i]));
    if (times.empty()) continue;
    const std::string text = text_of(row.values.value(times, Json()));
    const auto time = parse_time(text);
    if (!time)
      throw Error(ErrorKind::kInvalidFile, row.where, fmt::format("\"{}\" in \"{}\" is no time", text, times),
                  "times are written as 2016-07-01 or 2016-07-01 13:00:00");
    table.times.push_back(*time);
  }
  return table;
}

}  // namespace imago
