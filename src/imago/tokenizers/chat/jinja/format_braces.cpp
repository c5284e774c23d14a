// "...".format(...)
#include <algorithm>
#include <charconv>
#include <cmath>

#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/format.h"
#include "imago/tokenizers/chat/jinja/operators.h"

namespace imago::chat::jinja {
namespace {

// [[fill]align][sign][#][0][width][,][.precision][type]
struct Specification {
  std::string fill = " ";
  char align = 0, sign = 0, grouping = 0, type = 0;
  bool alternate = false, zero = false;
  int64_t width = 0, precision = -1;
};

int64_t take_digits(std::string_view& rest, int64_t fallback) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (end == rest.data()) return fallback;
  if (error != std::errc() || value > (1 << 30)) limit_exceeded("a format that is too wide");
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  return value;
}

Specification parse_specification(std::string_view rest) {
  auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  auto take = [&](std::string_view choices, char& into) {
    if (rest.empty() || choices.find(rest[0]) == std::string_view::npos) return;
    into = rest[0];
    rest.remove_prefix(1);
  };
  std::string_view whole = rest;
  Specification spec;
  size_t fill = rest.empty() ? 0 : static_cast<size_t>(decode_utf8(rest).size);
  if (fill > 0 && rest.size() > fill && is_align(rest[fill])) {
    spec.fill = rest.substr(0, fill);
    rest.remove_prefix(fill);
  }
  take("<>^=", spec.align);
  take("+- ", spec.sign);
  char mark = 0;
  take("#", mark);
  spec.alternate = mark != 0;
  if (rest.starts_with('0') && spec.align == 0) {
    spec.fill = "0";
    spec.zero = true;
  }
  spec.width = take_digits(rest, 0);
  take(",_", spec.grouping);
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    spec.precision = take_digits(rest, -1);
    if (spec.precision < 0) value_error("Format specifier missing precision");
  }
  take("bcdeEfFgGnosxX%", spec.type);
  if (!rest.empty()) value_error("Invalid format specifier '" + std::string(whole) + "'");
  return spec;
}

Text aligned(const Specification& spec, const Text& sign, const Text& body, char align) {
  size_t length = code_point_count(sign.bytes()) + code_point_count(body.bytes());
  auto width = static_cast<size_t>(spec.width);
  size_t missing = width > length ? width - length : 0;
  require_memory(missing * spec.fill.size());
  size_t left = align == '>' ? missing : align == '^' ? missing / 2 : 0;
  size_t inside = align == '=' ? missing : 0;
  auto fill = [&](Text& text, size_t count) {
    for (size_t i = 0; i < count; ++i) text.append(spec.fill);
  };
  Text text;
  fill(text, left);
  text.append(sign);
  fill(text, inside);
  text.append(body);
  fill(text, missing - left - inside);
  return text;
}

// Separators between groups of digits of the whole part.
std::string grouped(std::string digits, char separator, size_t size) {
  if (separator == 0) return digits;
  size_t whole = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  for (size_t i = whole; i > size; i -= size) digits.insert(i - size, 1, separator);
  return digits;
}

std::string integer_body(const Specification& spec, uint64_t magnitude) {
  int base = spec.type == 'b' ? 2 : spec.type == 'o' ? 8 : spec.type == 'x' || spec.type == 'X' ? 16 : 10;
  char buffer[80];
  auto written = std::to_chars(buffer, buffer + sizeof(buffer), magnitude, base);
  std::string digits = grouped(std::string(buffer, written.ptr), spec.grouping, base == 10 ? 3 : 4);
  if (spec.alternate && base != 10) digits = std::string("0") + spec.type + digits;
  if (spec.type == 'X') std::transform(digits.begin(), digits.end(), digits.begin(), ::toupper);
  return digits;
}

std::string float_body(const Specification& spec, double magnitude) {
  if (spec.precision > 1000) limit_exceeded("a format that is too precise");
  int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
  std::string digits;
  if (spec.type == 0) {
    if (spec.precision < 0) {
      digits = python_repr(magnitude);
    } else {
      digits = format_float(magnitude, 'g', std::max(precision, 1));
      if (std::isfinite(magnitude) && digits.find_first_of(".e") == std::string::npos) digits += ".0";
    }
  } else if (spec.type == '%') {
    digits = format_float(magnitude * 100, 'f', precision) + "%";
  } else {
    digits = format_float(magnitude, spec.type == 'n' ? 'g' : spec.type, precision, spec.alternate);
  }
  size_t end = std::min(digits.find_first_not_of("0123456789"), digits.size());
  return grouped(digits.substr(0, end), spec.grouping, 3) + digits.substr(end);
}

Text format_number(const Value& value, const Specification& spec) {
  if (value.is_large()) unsupported("an integer beyond 64 bits");
  bool integer = value.is_integral() && std::string_view("eEfFgG%").find(spec.type) == std::string_view::npos;
  if (!integer && spec.type != 0 && std::string_view("bcdosxX").find(spec.type) != std::string_view::npos) {
    value_error(std::string("Unknown format code '") + spec.type + "' for object of type 'float'");
  }
  if (integer && spec.type == 's') value_error("Unknown format code 's' for object of type 'int'");
  if (integer && spec.precision >= 0) value_error("Precision not allowed in integer format specifier");
  if (integer && spec.type == 'c') unsupported("the format code 'c' of str.format");
  bool negative = false;
  std::string body;
  if (integer || (spec.type == 0 && value.is_integral())) {
    int64_t number = value.as_integer();
    negative = number < 0;
    body = integer_body(spec, negative ? uint64_t{0} - static_cast<uint64_t>(number) : static_cast<uint64_t>(number));
  } else {
    negative = std::signbit(value.as_double()) && !std::isnan(value.as_double());
    body = float_body(spec, std::abs(value.as_double()));
  }
  std::string sign = negative ? "-" : spec.sign == '+' || spec.sign == ' ' ? std::string(1, spec.sign) : "";
  return aligned(spec, Text(sign), Text(body), spec.align != 0 ? spec.align : spec.zero ? '=' : '>');
}

class BraceFormatter {
 public:
  BraceFormatter(const String& format, const Arguments& arguments) : format_(format), arguments_(arguments) {}

  Value run() { return Value(expand(format_.text(), 2), format_.safe()); }

 private:
  Text expand(const Text& format, int depth) {
    if (depth == 0) value_error("Max string recursion exceeded");
    const std::string& text = format.bytes();
    Text result;
    for (size_t at = 0; at < text.size();) {
      size_t brace = std::min(text.find_first_of("{}", at), text.size());
      result.append(format, at, brace);
      if (brace == text.size()) break;
      at = brace + 1;
      if (at < text.size() && text[at] == text[brace]) {
        result.append(format, brace, at++);
        continue;
      }
      if (text[brace] == '}') value_error("Single '}' encountered in format string");
      size_t end = field_end(text, at);
      result.append(field(format.slice(at, end), depth));
      require_memory(result.size());
      at = end + 1;
    }
    return result;
  }

  static size_t field_end(const std::string& text, size_t begin) {
    int open = 1;
    bool subscript = false;
    for (size_t at = begin; at < text.size(); ++at) {
      if (text[at] == '[') subscript = true;
      if (text[at] == ']') subscript = false;
      if (subscript) continue;
      open += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
      if (open == 0) return at;
    }
    value_error(begin == text.size() ? "Single '{' encountered in format string" : "expected '}' before end of string");
  }

  Text field(const Text& source, int depth) {
    const std::string& text = source.bytes();
    size_t name_end = 0;
    for (bool subscript = false; name_end < text.size(); ++name_end) {
      if (text[name_end] == '[') subscript = true;
      if (text[name_end] == ']') subscript = false;
      if (!subscript && (text[name_end] == '!' || text[name_end] == ':')) break;
    }
    Value value = lookup(text.substr(0, name_end));
    size_t at = name_end;
    if (at < text.size() && text[at] == '!') {
      char conversion = at + 1 < text.size() ? text[at + 1] : ' ';
      if (conversion != 'r' && conversion != 's')
        value_error(std::string("Unknown conversion specifier ") + conversion);
      value = Value(conversion == 'r' ? repr(value) : to_text(value));
      at += 2;
      if (at < text.size() && text[at] != ':') value_error("expected ':' after conversion specifier");
    }
    Text specification;
    if (at < text.size()) specification = expand(source.slice(at + 1, text.size()), depth - 1);
    if (format_.safe() && specification.size() == 0) return joined_text(value, true);
    Text formatted = format_value(value, specification.bytes());
    return format_.safe() ? escape_html(formatted) : formatted;
  }

  Value lookup(std::string name) {
    size_t end = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, end));
    while (end < name.size()) {
      size_t begin = end + 1;
      if (name[end] == '.') {
        end = std::min(name.find_first_of(".[", begin), name.size());
        value = attribute(value, name.substr(begin, end - begin));
      } else {
        end = name.find(']', begin);
        if (end == std::string::npos) value_error("Missing ']' in format string");
        value = subscript(value, key(name.substr(begin, end - begin)));
        ++end;
      }
    }
    return value;
  }

  static Value key(const std::string& text) {
    int64_t index = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
    bool number = error == std::errc() && end == text.data() + text.size() && !text.starts_with('-');
    return number ? Value(index) : Value(text);
  }

  Value argument(const std::string& name) {
    Value place = name.empty() ? Value(automatic_++) : key(name);
    if (place.is_int()) {
      auto index = static_cast<size_t>(place.as_integer());
      if (index < arguments_.positional.size()) return arguments_.positional[index];
      fail("IndexError", "Replacement index " + std::to_string(index) + " out of range for positional args tuple");
    }
    for (const auto& [keyword, value] : arguments_.keywords) {
      if (keyword == name) return value;
    }
    fail("KeyError", "'" + name + "'");
  }

  const String& format_;
  const Arguments& arguments_;
  int64_t automatic_ = 0;
};

}  // namespace

Text format_value(const Value& value, std::string_view specification) {
  if (specification.empty()) return to_text(value);
  Specification spec = parse_specification(specification);
  if (value.is_number() && !(value.is_bool() && spec.type == 's')) return format_number(value, spec);
  if (!value.is_string()) {
    type_error("unsupported format string passed to " + std::string(type_name(value)) + ".__format__");
  }
  if (spec.type != 0 && spec.type != 's') {
    value_error(std::string("Unknown format code '") + spec.type + "' for object of type 'str'");
  }
  if (spec.sign != 0) value_error("Sign not allowed in string format specifier");
  if (spec.alternate) value_error("Alternate form (#) not allowed in string format specifier");
  if (spec.grouping != 0) value_error(std::string("Cannot specify '") + spec.grouping + "' with 's'.");
  if (spec.align == '=') value_error("'=' alignment not allowed in string format specifier");
  Text text = value.as_string().text();
  if (spec.precision >= 0) text.truncate(byte_of_code_point(text.bytes(), static_cast<size_t>(spec.precision)));
  return aligned(spec, {}, text, spec.align == 0 ? '<' : spec.align);
}

Value format_braces(const Value& format, const Arguments& arguments) {
  return BraceFormatter(format.as_string(), arguments).run();
}

}  // namespace imago::chat::jinja
