// Run files: one flat YAML mapping, whose values flags may replace.
#pragma once

#include <map>
#include <string>

#include "imago/base/json.h"

namespace imago::cli {

struct RunFile {
  Json values;                               // an object
  std::map<std::string, std::string> where;  // of each key: "run.yaml:3", or "--learning_rate"

  // Replaces a value by a flag's text, which is read as a value of the file would be.
  void set(const std::string& key, const std::string& text);
};

// Plain scalars are true, false, null or numbers where they read as such, else text; quoted ones are text. Values may
// be lists and mappings. Throws Error kInvalidFile with the line where it is no such mapping or has a key twice, and
// kLimitExceeded beyond 1 MiB.
RunFile read_run_file(const std::string& path);

}  // namespace imago::cli
