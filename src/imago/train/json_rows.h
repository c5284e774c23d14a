// Examples in files: a row is a JSON object, whatever file it is from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"

namespace imago {

struct Row {
  Json values;        // an object
  std::string where;  // "train.jsonl:3", for errors
};

// The rows of a file: of .jsonl and .json an object a line (or one list of objects), of .csv and .tsv the columns that
// the first line names, as text; of another file a row {"text": ...} for each line, with its line break.
// Throws Error kInvalidFile naming the line that is none, and what reading throws.
std::vector<Row> read_rows(const std::string& path);

// The same of a file's text; `path` tells its kind, and is named in errors.
std::vector<Row> parse_rows(std::string_view text, const std::string& path);

// The row's text of this name. Throws Error kInvalidFile where it has none.
std::string text_at(const Row& row, const std::string& column);

}  // namespace imago
