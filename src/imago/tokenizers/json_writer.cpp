#include "imago/tokenizers/json_writer.h"

#include <charconv>
#include <cmath>

namespace imago::tokenizers {
namespace {

// Shortest digits that read back equal; positional between 1e-5 and 1e16, with an exponent outside.
template <class Float>
void append_float(std::string& text, Float value) {
  if (!std::isfinite(value)) {
    text += "null";
    return;
  }
  char buffer[64];
  const char* end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string_view scientific(buffer, static_cast<size_t>(end - buffer));
  const size_t mark = scientific.find('e');
  int exponent = 0;
  const char* digits = scientific.data() + mark + 1;
  if (*digits == '+') ++digits;
  std::from_chars(digits, end, exponent);
  if (exponent >= -5 && exponent < 16) {
    end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
    text.append(static_cast<const char*>(buffer), end);
    if (std::string_view(buffer, static_cast<size_t>(end - buffer)).find('.') == std::string_view::npos) text += ".0";
  } else {
    text += scientific.substr(0, mark);
    text += 'e' + std::to_string(exponent);
  }
}

}  // namespace

void JsonWriter::separate() {
  if (!first_) text_ += ',';
  first_ = false;
  if (!pretty_) return;
  text_ += '\n';
  text_.append(static_cast<size_t>(depth_) * 2, ' ');
}

void JsonWriter::begin(char bracket) {
  text_ += bracket;
  ++depth_;
  first_ = true;
}

void JsonWriter::end(char bracket) {
  --depth_;
  if (pretty_ && !first_) {
    text_ += '\n';
    text_.append(static_cast<size_t>(depth_) * 2, ' ');
  }
  text_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  string(name);
  text_ += pretty_ ? ": " : ":";
}

void JsonWriter::string(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  text_ += '"';
  for (char c : text) {
    switch (c) {
      case '"': text_ += "\\\""; break;
      case '\\': text_ += "\\\\"; break;
      case '\b': text_ += "\\b"; break;
      case '\f': text_ += "\\f"; break;
      case '\n': text_ += "\\n"; break;
      case '\r': text_ += "\\r"; break;
      case '\t': text_ += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          text_ += "\\u00";
          text_ += kHex[c >> 4];
          text_ += kHex[c & 15];
        } else {
          text_ += c;
        }
    }
  }
  text_ += '"';
}

void JsonWriter::number(double value) { append_float(text_, value); }
void JsonWriter::number(float value) { append_float(text_, value); }

void JsonWriter::member(std::string_view name, std::string_view text) {
  key(name);
  string(text);
}

void JsonWriter::member(std::string_view name, bool value) {
  key(name);
  boolean(value);
}

void JsonWriter::begin_stage(std::string_view type) {
  begin_object();
  member("type", type);
}

void JsonWriter::pattern(std::string_view text, bool is_regex) {
  key("pattern");
  begin_object();
  member(is_regex ? "Regex" : "String", text);
  end_object();
}

}  // namespace imago::tokenizers
