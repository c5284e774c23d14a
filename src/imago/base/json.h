// JSON values: nlohmann's ordered_json (objects keep the order of their keys, as Python's dicts do), parsed in
// linear time with limits. Include <nlohmann/json.hpp> in the .cpp that looks inside a value; headers need this one
// only.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace imago {

using Json = nlohmann::ordered_json;

// Parses one JSON document as Python's json.loads does: of equal keys the last counts, NaN, Infinity and -Infinity are
// numbers, an integer beyond 64 bits becomes a double.
// `where` names the source in errors ("config.json"); errors give line and column.
// Throws Error kInvalidFile (malformed, not UTF-8) or kLimitExceeded (nested deeper than 512).
Json parse_json(std::string_view text, std::string_view where);

// Reads and parses a file of at most `max_bytes`. Throws Error kNotFound, kIo, kInvalidFile, kLimitExceeded.
Json read_json(const std::string& path, int64_t max_bytes = int64_t{64} << 20);

// Python's json.dumps(value, indent=indent, ensure_ascii=ensure_ascii): ", " and ": " on one line where indent < 0.
// Floats are written as Python's repr writes them.
std::string dump_json(const Json& value, int indent = -1, bool ensure_ascii = false);

// The parts of dump_json for those who write JSON of other values: a quoted string, a number (NaN and Infinity as
// Python writes them).
void append_json_string(std::string& out, std::string_view text, bool ensure_ascii);
void append_json_number(std::string& out, double value);

// Python's repr of a float: the shortest digits that read back equal, "1.0", "1e+16", "nan", "inf".
std::string python_repr(double value);

}  // namespace imago
