#include "imago/train/json_rows.h"

#include <fmt/core.h>

#include <string_view>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"

namespace imago {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what, std::string_view hint = {}) {
  throw Error(ErrorKind::kInvalidFile, where, what, hint);
}

std::vector<Row> json_rows(const std::string& path, std::string_view text) {
  std::vector<Row> rows;
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '[') {
    const Json list = parse_json(text, path);
    for (const Json& item : list) rows.push_back({item, fmt::format("{}, item {}", path, rows.size() + 1)});
  } else {
    for (int64_t number = 1; !text.empty(); ++number) {
      const size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const std::string where = fmt::format("{}:{}", path, number);
      rows.push_back({parse_json(line, where), where});
    }
  }
  for (const Row& row : rows) {
    if (!row.values.is_object()) refuse(row.where, "it is no JSON object");
  }
  return rows;
}

// RFC 4180: a field in double quotes may hold separators, line breaks, and double quotes written twice.
class SeparatedReader {
 public:
  SeparatedReader(std::string_view text, char separator, const std::string& path)
      : rest_(text), separator_(separator), path_(path) {}

  // False at the end.
  bool read(std::vector<std::string>& fields) {
    fields.clear();
    if (rest_.empty()) return false;
    first_line_ = line_;
    for (;;) {
      fields.push_back(field());
      if (rest_.empty()) return true;
      const char next = rest_.front();
      rest_.remove_prefix(1);
      if (next == separator_) continue;
      if (next == '\r' && rest_.starts_with('\n')) rest_.remove_prefix(1);
      ++line_;
      return true;
    }
  }

  std::string where() const { return fmt::format("{}:{}", path_, first_line_); }

 private:
  std::string field() {
    if (!rest_.starts_with('"')) {
      size_t end = 0;
      while (end < rest_.size() && rest_[end] != separator_ && rest_[end] != '\n' && rest_[end] != '\r') ++end;
      std::string plain(rest_.substr(0, end));
      rest_.remove_prefix(end);
      return plain;
    }
    rest_.remove_prefix(1);
    std::string value;
    for (;;) {
      const size_t quote_at = rest_.find('"');
      if (quote_at == std::string_view::npos) refuse(where(), "a quoted field does not end");
      for (const char c : rest_.substr(0, quote_at)) line_ += c == '\n' ? 1 : 0;
      value += rest_.substr(0, quote_at);
      rest_.remove_prefix(quote_at + 1);
      if (!rest_.starts_with('"')) break;
      value += '"';
      rest_.remove_prefix(1);
    }
    if (!rest_.empty() && rest_[0] != separator_ && rest_[0] != '\n' && rest_[0] != '\r') {
      refuse(where(), "text behind a quoted field");
    }
    return value;
  }

  std::string_view rest_;
  char separator_;
  std::string path_;
  int64_t line_ = 1, first_line_ = 1;
};

std::vector<Row> separated_rows(const std::string& path, std::string_view text, char separator) {
  SeparatedReader reader(text, separator, path);
  std::vector<std::string> names, fields;
  std::vector<Row> rows;
  reader.read(names);
  while (reader.read(fields)) {
    if (fields.size() == 1 && fields[0].empty()) continue;  // an empty line
    if (fields.size() != names.size()) {
      refuse(reader.where(), fmt::format("{} fields, where the first line names {}", fields.size(), names.size()));
    }
    Row row{Json::object(), reader.where()};
    for (size_t i = 0; i < names.size(); ++i) row.values[names[i]] = fields[i];
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::vector<Row> read_rows(const std::string& path) { return parse_rows(MappedFile::open(path).text(), path); }

std::vector<Row> parse_rows(std::string_view text, const std::string& path) {
  if (path.ends_with(".parquet")) {
    throw Error(ErrorKind::kUnsupported, path, "Parquet files are not read", "write the rows as JSON lines");
  }
  if (path.ends_with(".jsonl") || path.ends_with(".json")) return json_rows(path, text);
  if (path.ends_with(".csv")) return separated_rows(path, text, ',');
  if (path.ends_with(".tsv")) return separated_rows(path, text, '\t');
  std::vector<Row> rows;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t size = end == std::string_view::npos ? text.size() : end + 1;
    rows.push_back({{{"text", text.substr(0, size)}}, fmt::format("{}:{}", path, rows.size() + 1)});
    text.remove_prefix(size);
  }
  return rows;
}

std::string text_at(const Row& row, const std::string& column) {
  if (row.values.contains(column) && row.values.at(column).is_string()) return row.values.at(column).get<std::string>();
  std::string known;
  for (const auto& [name, value] : row.values.items()) known += (known.empty() ? "" : ", ") + quote(name);
  refuse(row.where, fmt::format("no text {}", quote(column)), fmt::format("the row has {}", known));
}

}  // namespace imago
