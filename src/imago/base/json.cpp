#include "imago/base/json.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/file.h"

namespace imago {
namespace {

constexpr int kMaxDepth = 512;
// Below this many members a scan over the keys is quicker than a hash table.
constexpr size_t kScannedMembers = 16;

// Bytes of the well-formed UTF-8 sequence at `p` (Unicode, table 3-7), or 0.
int utf8_sequence_length(const char* p, const char* end) {
  auto byte = [&](int i) { return p + i < end ? static_cast<unsigned char>(p[i]) : 0U; };
  auto continues = [&](int i) { return (byte(i) & 0xC0U) == 0x80U; };
  unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || !continues(1)) return 0;
  if (lead < 0xE0) return 2;
  if (!continues(2)) return 0;
  if (lead < 0xF0) {
    bool overlong = lead == 0xE0 && byte(1) < 0xA0, surrogate = lead == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  bool overlong = lead == 0xF0 && byte(1) < 0x90, beyond = lead == 0xF4 && byte(1) >= 0x90;
  return overlong || beyond || !continues(3) ? 0 : 4;
}

void append_code_point(std::string& text, uint32_t c) {
  auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xE0 | c >> 12);
    } else {
      put(0xF0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3F));
    }
    put(0x80 | (c >> 6 & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

// The libraries' parsers know neither NaN nor Infinity and refuse 1e999, all of which Python writes.
class Parser {
 public:
  Parser(std::string_view text, std::string_view where)
      : begin_(text.data()), p_(text.data()), end_(text.data() + text.size()), where_(where) {}

  Json document() {
    skip_space();
    Json value = parse_value(0);
    skip_space();
    if (p_ != end_) fail("text after the end of the document");
    return value;
  }

 private:
  [[noreturn]] void fail(std::string_view what, ErrorKind kind = ErrorKind::kInvalidFile) const {
    size_t line = 1, column = 1;
    for (const char* q = begin_; q < p_; ++q) {
      ++column;
      if (*q == '\n') ++line, column = 1;
    }
    std::string message = std::string(what) + " at line " + std::to_string(line) + ", column " + std::to_string(column);
    throw Error(kind, where_, message);
  }

  bool at(char c) const { return p_ < end_ && *p_ == c; }

  void skip_space() {
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) ++p_;
  }

  bool take(std::string_view word) {
    if (!std::string_view(p_, static_cast<size_t>(end_ - p_)).starts_with(word)) return false;
    p_ += word.size();
    return true;
  }

  Json parse_value(int depth) {
    if (p_ == end_) fail("unexpected end of the document");
    switch (*p_) {
      case '{': return parse_object(depth + 1);
      case '[': return parse_array(depth + 1);
      case '"': return parse_string();
      case 't':
        if (take("true")) return true;
        break;
      case 'f':
        if (take("false")) return false;
        break;
      case 'n':
        if (take("null")) return nullptr;
        break;
      case 'N':
        if (take("NaN")) return std::numeric_limits<double>::quiet_NaN();
        break;
      case 'I':
        if (take("Infinity")) return std::numeric_limits<double>::infinity();
        break;
      case '-':
        if (take("-Infinity")) return -std::numeric_limits<double>::infinity();
        return parse_number();
      default:
        if (*p_ >= '0' && *p_ <= '9') return parse_number();
    }
    fail("a value was expected");
  }

  Json parse_array(int depth) {
    if (depth > kMaxDepth) fail("nested deeper than " + std::to_string(kMaxDepth), ErrorKind::kLimitExceeded);
    Json::array_t items;
    ++p_;
    skip_space();
    if (at(']')) return ++p_, Json(std::move(items));
    while (true) {
      skip_space();
      items.push_back(parse_value(depth));
      skip_space();
      if (at(']')) return ++p_, Json(std::move(items));
      if (!at(',')) fail("',' or ']' was expected");
      ++p_;
    }
  }

  Json parse_object(int depth) {
    if (depth > kMaxDepth) fail("nested deeper than " + std::to_string(kMaxDepth), ErrorKind::kLimitExceeded);
    Json::object_t members;
    ++p_;
    skip_space();
    if (at('}')) return ++p_, Json::object();
    while (true) {
      skip_space();
      if (!at('"')) fail("a key in double quotes was expected");
      std::string key = parse_string();
      skip_space();
      if (!at(':')) fail("':' was expected");
      ++p_;
      skip_space();
      members.emplace_back(std::move(key), parse_value(depth));
      skip_space();
      if (at('}')) return ++p_, make_object(std::move(members));
      if (!at(',')) fail("',' or '}' was expected");
      ++p_;
    }
  }

  // Of equal keys the last value counts, at the place of the first, as in a Python dict.
  static Json make_object(Json::object_t members) {
    Json::object_t object;
    object.reserve(members.size());
    std::unordered_map<std::string_view, size_t> places;
    bool scan = members.size() <= kScannedMembers;
    if (!scan) places.reserve(members.size());
    for (Json::member_t& member : members) {
      size_t place = object.size();
      if (scan) {
        for (place = 0; place < object.size() && object[place].first != member.first;) ++place;
      } else {
        place = places.emplace(member.first, place).first->second;
      }
      if (place < object.size()) {
        object[place].second = std::move(member.second);
      } else {
        object.emplace_back(member.first, std::move(member.second));
      }
    }
    return object;
  }

  std::string parse_string() {
    std::string text;
    ++p_;
    while (true) {
      const char* run = p_;
      while (p_ < end_ && *p_ != '"' && *p_ != '\\' && static_cast<unsigned char>(*p_) >= 0x20) {
        int length = utf8_sequence_length(p_, end_);
        if (length == 0) fail("the text is not UTF-8");
        p_ += length;
      }
      text.append(run, p_);
      if (p_ == end_) fail("a string without its closing quote");
      if (*p_ == '"') return ++p_, text;
      if (*p_ != '\\') fail("a control character in a string");
      parse_escape(text);
    }
  }

  void parse_escape(std::string& text) {
    ++p_;
    if (p_ == end_) fail("a string without its closing quote");
    static constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    if (size_t i = kNames.find(*p_); i != std::string_view::npos) {
      text += kMeanings[i];
      ++p_;
      return;
    }
    if (*p_ != 'u') fail("an unknown escape");
    ++p_;
    uint32_t unit = parse_hex4();
    if (unit >= 0xD800 && unit < 0xDC00 && take("\\u")) {
      uint32_t low = parse_hex4();
      if (low < 0xDC00 || low > 0xDFFF) fail("half of a surrogate pair");
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    } else if (unit >= 0xD800 && unit < 0xE000) {
      fail("half of a surrogate pair");  // it has no UTF-8 form, so no text could hold it
    }
    append_code_point(text, unit);
  }

  uint32_t parse_hex4() {
    uint32_t unit = 0;
    if (end_ - p_ < 4) fail("an escape that is cut short");
    auto [rest, error] = std::from_chars(p_, p_ + 4, unit, 16);
    if (error != std::errc() || rest != p_ + 4) fail("four hexadecimal digits were expected");
    p_ += 4;
    return unit;
  }

  bool take_digits() {
    const char* first = p_;
    while (p_ < end_ && *p_ >= '0' && *p_ <= '9') ++p_;
    return p_ != first;
  }

  Json parse_number() {
    const char* first = p_;
    if (at('-')) ++p_;
    if (at('0')) {
      ++p_;
    } else if (!take_digits()) {
      fail("a digit was expected");
    }
    bool integer = true;
    if (at('.')) {
      ++p_;
      if (!take_digits()) fail("a digit was expected behind the point");
      integer = false;
    }
    if (at('e') || at('E')) {
      ++p_;
      if (at('+') || at('-')) ++p_;
      if (!take_digits()) fail("a digit was expected in the exponent");
      integer = false;
    }
    if (integer) {
      int64_t value = 0;
      if (std::from_chars(first, p_, value).ec == std::errc()) return value;
      uint64_t large = 0;
      if (std::from_chars(first, p_, large).ec == std::errc()) return large;
    }
    return parse_double(first, integer);
  }

  double parse_double(const char* first, bool integer) {
    double value = 0;
    if (std::from_chars(first, p_, value).ec == std::errc()) return value;
    // Out of range: strtod tells overflow (infinity, as Python's float has it) from underflow (zero or a denormal).
    value = std::strtod(std::string(first, p_).c_str(), nullptr);
    if (integer && std::isinf(value)) fail("an integer too large for a number");
    return value;
  }

  const char* begin_;
  const char* p_;
  const char* end_;
  std::string_view where_;
};

class Writer {
 public:
  Writer(int indent, bool ensure_ascii) : indent_(indent), ensure_ascii_(ensure_ascii) {}

  void value(const Json& json, int depth) {
    switch (json.kind()) {
      case Json::Kind::null: out_ += "null"; break;
      case Json::Kind::boolean: out_ += json.get<bool>() ? "true" : "false"; break;
      case Json::Kind::integer: out_ += std::to_string(json.get<int64_t>()); break;
      case Json::Kind::unsigned_integer: out_ += std::to_string(json.get<uint64_t>()); break;
      case Json::Kind::real: append_json_number(out_, json.get<double>()); break;
      case Json::Kind::string: append_json_string(out_, json.as_string(), ensure_ascii_); break;
      case Json::Kind::array: array(json, depth); break;
      case Json::Kind::object: object(json, depth); break;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void array(const Json& json, int depth) {
    if (json.empty()) {
      out_ += "[]";
      return;
    }
    char separator = '[';
    for (const Json& item : json) {
      begin_item(separator, depth + 1);
      separator = ',';
      value(item, depth + 1);
    }
    new_line(depth);
    out_ += ']';
  }

  void object(const Json& json, int depth) {
    if (json.empty()) {
      out_ += "{}";
      return;
    }
    char separator = '{';
    for (const auto& [key, item] : json.as_object()) {
      begin_item(separator, depth + 1);
      separator = ',';
      append_json_string(out_, key, ensure_ascii_);
      out_ += ": ";
      value(item, depth + 1);
    }
    new_line(depth);
    out_ += '}';
  }

  void begin_item(char separator, int depth) {
    out_ += separator;
    if (indent_ < 0 && separator == ',') out_ += ' ';
    new_line(depth);
  }

  void new_line(int depth) {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<size_t>(indent_) * static_cast<size_t>(depth), ' ');
  }

  std::string out_;
  int indent_;
  bool ensure_ascii_;
};

void append_unicode_escape(std::string& out, uint32_t unit) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[unit >> shift & 15];
}

void append_escaped_code_point(std::string& out, const char* p, int length) {
  auto byte = [&](int i) { return static_cast<uint32_t>(static_cast<unsigned char>(p[i])); };
  uint32_t c = length == 1 ? byte(0) : byte(0) & (0xFFU >> (length + 1));
  for (int i = 1; i < length; ++i) c = c << 6 | (byte(i) & 0x3F);
  if (c < 0x10000) return append_unicode_escape(out, c);
  append_unicode_escape(out, 0xD800 + ((c - 0x10000) >> 10));
  append_unicode_escape(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where) { return Parser(text, where).document(); }

Json read_json(const std::string& path, int64_t max_bytes) { return parse_json(read_file(path, max_bytes), path); }

std::string dump_json(const Json& value, int indent, bool ensure_ascii) {
  Writer writer(indent, ensure_ascii);
  writer.value(value, 0);
  return writer.take();
}

void append_json_string(std::string& out, std::string_view text, bool ensure_ascii) {
  static constexpr std::string_view kNamed = "\"\\\b\f\n\r\t", kNames = "\"\\bfnrt";
  out += '"';
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    auto c = static_cast<unsigned char>(*p);
    if (size_t i = kNamed.find(*p); i != std::string_view::npos) {
      out += '\\';
      out += kNames[i];
      ++p;
    } else if (c < 0x20) {
      append_unicode_escape(out, c);
      ++p;
    } else if (c < 0x7F || !ensure_ascii) {
      out += *p++;
    } else {
      int length = utf8_sequence_length(p, end);
      if (length == 0) throw Error(ErrorKind::kInvalidArgument, "dump_json", "a string is not UTF-8");
      append_escaped_code_point(out, p, length);
      p += length;
    }
  }
  out += '"';
}

void append_json_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else {
    out += python_repr(value);
  }
}

std::string python_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  auto written = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<size_t>(written.ptr - buffer));
  std::string sign = text.starts_with('-') ? "-" : "";
  text.remove_prefix(sign.size());
  size_t e = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);
  auto count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    if (count > 1) digits.insert(1, ".");
    std::string magnitude = std::to_string(std::abs(exponent));
    if (magnitude.size() < 2) magnitude.insert(0, "0");
    return sign + digits + (exponent < 0 ? "e-" : "e+") + magnitude;
  }
  if (exponent < 0) return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1) return sign + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return sign + digits.insert(static_cast<size_t>(exponent + 1), ".");
}

}  // namespace imago
