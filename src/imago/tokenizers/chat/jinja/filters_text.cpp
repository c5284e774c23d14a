// Filters of texts and numbers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/builtins.h"
#include "imago/tokenizers/chat/jinja/characters.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/format.h"
#include "imago/tokenizers/chat/jinja/methods.h"
#include "imago/tokenizers/chat/jinja/numbers.h"
#include "imago/tokenizers/chat/jinja/operators.h"
#include "imago/tokenizers/chat/jinja/tojson.h"

namespace imago::chat::jinja {
namespace {

// str(value), of which Markup stays Markup.
Value soft_string(const Value& value) { return value.is_string() ? value : Value(to_text(value)); }

template <std::string (*kMap)(std::string_view)>
Value mapped(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("this filter", {}, 0, std::move(arguments));
  Value string = soft_string(value);
  spend_on_bytes(string.bytes().size() * 8);
  return remade(string, kMap(string.bytes()));
}

// Unlike str.title, a letter behind an apostrophe stays small.
std::string title_words(std::string_view text) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    auto is_separator = [&](std::string_view rest) {
      char32_t c = decode_utf8(rest).code_point;
      return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    };
    bool separator = is_separator(text.substr(at));
    size_t end = at;
    while (end < text.size() && is_separator(text.substr(end)) == separator) {
      end += static_cast<size_t>(decode_utf8(text.substr(end)).size);
    }
    auto first = static_cast<size_t>(decode_utf8(text.substr(at)).size);
    result += to_upper(text.substr(at, first)) + to_lower(text.substr(at + first, end - at - first));
    at = end;
  }
  return result;
}

Value center(Interpreter& interpreter, const Value& value, Arguments arguments) {
  BoundArguments args("center", {"width"}, 0, std::move(arguments));
  return find_string_method("center")(interpreter, soft_string(value), {{Value(args.integer(0, 80))}, {}});
}

Value trim(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("trim", {"chars"}, 0, std::move(arguments));
  return strip(soft_string(value), args.get(0, {}), Sides::kBoth);
}

Value replace_filter(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("replace", {"old", "new", "count"}, 2, std::move(arguments));
  int64_t count = args.has_not_none(2) ? args.integer(2, -1) : -1;
  return replace(Value(to_text(value)), Value(to_text(args[0])), Value(to_text(args[1])), count);
}

Value format_filter(Interpreter&, const Value& value, Arguments arguments) {
  if (!arguments.positional.empty() && !arguments.keywords.empty()) {
    fail("FilterArgumentError", "can't handle positional and keyword arguments at the same time");
  }
  if (arguments.keywords.empty())
    return format_printf(soft_string(value), Value::tuple(std::move(arguments.positional)));
  auto dict = std::make_shared<Dict>();
  for (auto& [name, item] : arguments.keywords) dict->set(Value(name), std::move(item));
  return format_printf(soft_string(value), std::shared_ptr<const Dict>(std::move(dict)));
}

Value indent(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("indent", {"width", "first", "blank"}, 0, std::move(arguments));
  require_defined(value);
  if (!value.is_string()) {
    type_error("unsupported operand type(s) for +=: '" + std::string(type_name(value)) + "' and 'str'");
  }
  Value indention = args.has(0) && args[0].is_string() ? args[0] : repeat(Value(" "), args.integer(0, 4));
  bool first = args.flag(1, false), blank = args.flag(2, false);
  const Text& margin = indention.as_string().text();
  std::vector<Value> lines = split_lines(add_strings(value, Value("\n")).as_string(), false);
  Text result;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) result.append("\n");
    bool indented = i == 0 ? first : blank || !lines[i].bytes().empty();
    if (indented) result.append(margin);
    result.append(lines[i].as_string().text());
    require_memory(result.size());
  }
  return Value(std::move(result), value.as_string().safe());
}

Value truncate(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("truncate", {"length", "killwords", "end", "leeway"}, 0, std::move(arguments));
  int64_t size = args.integer(0, 255), leeway = args.has_not_none(3) ? args.integer(3, 5) : 5;
  Value end = args.get(2, Value("..."));
  int64_t end_size = length(end).value_or(0);
  if (size < end_size) fail("AssertionError", "expected length >= " + std::to_string(end_size));
  if (leeway < 0) fail("AssertionError", "expected leeway >= 0");
  std::optional<int64_t> count = length(value);
  if (!count) type_error("object of type '" + std::string(type_name(value)) + "' has no len()");
  if (leeway > INT64_MAX - size || *count <= size + leeway) return value;
  if (!value.is_string()) type_error("'" + std::string(type_name(value)) + "' object cannot be truncated");
  Value kept = slice(value, {Value(), Value(size - end_size), Value()});
  if (!args.flag(1, false)) kept = subscript(split(kept, Value(" "), 1, true), Value(0));
  return add_strings(kept, end);
}

Value word_count(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("wordcount", {}, 0, std::move(arguments));
  Value string = soft_string(value);
  int64_t words = 0;
  bool inside = false;
  for (std::string_view rest = string.bytes(); !rest.empty();) {
    bool word = is_word_character(rest) > 0;
    if (word && !inside) ++words;
    inside = word;
    rest.remove_prefix(static_cast<size_t>(decode_utf8(rest).size));
  }
  return words;
}

Value url_quoted(const Value& value, bool for_query) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  Text text = to_text(value);
  std::string quoted;
  for (char c : text.bytes()) {
    auto byte = static_cast<unsigned char>(c);
    bool plain = byte < 0x80 && (std::isalnum(byte) != 0 || std::string_view("_.-~").find(c) != std::string_view::npos);
    if (plain || (c == '/' && !for_query)) {
      quoted += c;
    } else if (c == ' ' && for_query) {
      quoted += '+';
    } else {
      quoted += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return Value(Text(quoted, text.has_user()));
}

Value url_encode(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("urlencode", {}, 0, std::move(arguments));
  if (value.is_string() || !is_iterable(value)) return url_quoted(value, false);
  std::vector<Value> pairs;
  std::vector<Value> items =
      value.is_dict() ? to_vector(std::make_shared<DictView>(value, DictView::Kind::kItems)) : to_vector(value);
  for (const Value& item : items) {
    std::vector<Value> pair = to_vector(item);
    if (pair.size() != 2) value_error("urlencode takes pairs of a key and a value");
    pairs.push_back(add_strings(add_strings(url_quoted(pair[0], true), Value("=")), url_quoted(pair[1], true)));
  }
  return join(Value("&"), pairs);
}

Value xml_attributes(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("xmlattr", {"autospace"}, 0, std::move(arguments));
  require_defined(value);
  if (!value.is_dict()) fail("AttributeError", "xmlattr takes a dict, not " + std::string(type_name(value)));
  Text text;
  for (const auto& [key, item] : value.as_dict().items()) {
    if (item.is_none() || item.is_undefined()) continue;
    if (!key.is_string()) type_error("expected string or bytes-like object");
    if (key.bytes().find_first_of(" \t\n\r\f\v/>=") != std::string::npos) {
      value_error("Invalid character in attribute name: " + repr(key).bytes());
    }
    if (text.size() > 0) text.append(" ");
    text.append(joined_text(key, true));
    text.append("=\"");
    text.append(joined_text(item, true));
    text.append("\"");
  }
  if (text.size() == 0 || !args.flag(0, true)) return Value(std::move(text));
  return add_strings(Value(" "), Value(std::move(text)));
}

Value to_integer(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("int", {"default", "base"}, 0, std::move(arguments));
  require_defined(value);
  if (value.is_integral()) return value.as_integer();
  if (value.is_large()) return value;
  double number = std::numeric_limits<double>::quiet_NaN();
  if (value.is_string()) {
    if (std::optional<int64_t> integer = parse_integer(value.bytes(), args.integer(1, 10))) return *integer;
    number = parse_float(value.bytes()).value_or(number);
  } else if (value.is_float()) {
    number = value.as_double();
  }
  if (!std::isfinite(number)) return args.get(0, Value(0));
  if (std::abs(number) >= 9.2e18) unsupported("an integer beyond 64 bits");
  return static_cast<int64_t>(number);
}

Value to_float(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("float", {"default"}, 0, std::move(arguments));
  require_defined(value);
  if (value.is_number()) return value.as_double();
  std::optional<double> number = value.is_string() ? parse_float(value.bytes()) : std::nullopt;
  return number ? Value(*number) : args.get(0, Value(0.0));
}

Value absolute(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("abs", {}, 0, std::move(arguments));
  require_defined(value);
  if (value.is_large()) return value;
  if (value.is_float()) return std::abs(value.as_double());
  if (!value.is_integral()) type_error("bad operand type for abs(): '" + std::string(type_name(value)) + "'");
  return value.as_integer() < 0 ? unary(Operator::kNegative, value) : Value(value.as_integer());
}

Value round_integer(int64_t value, int64_t precision) {
  if (precision >= 0) return value;
  if (precision < -18) return 0;
  int64_t unit = 1;
  for (int64_t i = precision; i < 0; ++i) unit *= 10;
  int64_t rest = value % unit, base = value - rest, twice = std::abs(rest) * 2;
  bool up = twice > unit || (twice == unit && (base / unit) % 2 != 0);
  return binary(Operator::kAdd, Value(base), Value(up ? (value < 0 ? -unit : unit) : 0));
}

Value round_filter(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("round", {"precision", "method"}, 0, std::move(arguments));
  std::string method = args.has(1) ? args.string(1).bytes() : "common";
  int64_t precision = args.integer(0, 0);
  if (method != "common" && method != "ceil" && method != "floor") {
    fail("FilterArgumentError", "method must be common, ceil or floor");
  }
  require_defined(value);
  if (!value.is_number()) type_error("type " + std::string(type_name(value)) + " doesn't define __round__ method");
  if (method == "common") {
    if (value.is_large()) unsupported("an integer beyond 64 bits");
    if (value.is_integral()) return round_integer(value.as_integer(), precision);
    return round_half_even(value.as_double(), precision);
  }
  Value unit = binary(Operator::kPower, Value(10), Value(precision));
  double scaled = binary(Operator::kMultiply, value, unit).as_double();
  if (!std::isfinite(scaled)) value_error("cannot convert float to integer");
  double whole = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
  return (whole + 0.0) / unit.as_double();  // Python makes an integer of it, which has no negative zero
}

Value file_size(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("filesizeformat", {"binary"}, 0, std::move(arguments));
  require_defined(value);
  bool binary_units = args.flag(0, false);
  if (!value.is_number() && !(value.is_string() && parse_float(value.bytes()).has_value())) {
    value_error("could not convert to float: " + repr(value).bytes());
  }
  double number = value.is_number() ? value.as_double() : parse_float(value.bytes()).value_or(0);
  if (std::isnan(number)) value_error("cannot convert float NaN to integer");
  double base = binary_units ? 1024 : 1000, unit = base;
  if (number == 1) return Value("1 Byte");
  if (number < base) return Value(format_float(std::trunc(number) + 0.0, 'f', 0) + " Bytes");
  std::string text;
  for (char prefix : std::string(binary_units ? "KMGTPEZY" : "kMGTPEZY")) {
    unit *= base;
    text = format_float(base * number / unit, 'f', 1) + " " + prefix + (binary_units ? "iB" : "B");
    if (number < unit) break;
  }
  return Value(text);
}

Value escape(Interpreter&, const Value& value, Arguments) { return Value(joined_text(value, true), true); }
Value force_escape(Interpreter&, const Value& value, Arguments) { return Value(escape_html(to_text(value)), true); }
Value safe(Interpreter&, const Value& value, Arguments) { return Value(to_text(value), true); }
Value string(Interpreter&, const Value& value, Arguments) { return soft_string(value); }

Value to_json(Interpreter&, const Value& value, Arguments arguments) {
  arguments.positional.insert(arguments.positional.begin(), value);
  return tojson(std::move(arguments));
}

Value default_value(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("default", {"default_value", "boolean"}, 0, std::move(arguments));
  bool replaced = value.is_undefined() || (args.flag(1, false) && !truthy(value));
  return replaced ? args.get(0, Value("")) : value;
}

constexpr NamedFilter kFilters[] = {
    {"abs", absolute},
    {"capitalize", mapped<to_capitalized>},
    {"center", center},
    {"d", default_value},
    {"default", default_value},
    {"e", escape},
    {"escape", escape},
    {"filesizeformat", file_size},
    {"float", to_float},
    {"forceescape", force_escape},
    {"format", format_filter},
    {"indent", indent},
    {"int", to_integer},
    {"lower", mapped<to_lower>},
    {"replace", replace_filter},
    {"round", round_filter},
    {"safe", safe},
    {"string", string},
    {"title", mapped<title_words>},
    {"tojson", to_json},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", mapped<to_upper>},
    {"urlencode", url_encode},
    {"wordcount", word_count},
    {"xmlattr", xml_attributes},
};

}  // namespace

Filter find_text_filter(std::string_view name) {
  for (const NamedFilter& filter : kFilters) {
    if (filter.name == name) return filter.filter;
  }
  return nullptr;
}

Value lower_case(const Value& value) { return value.is_string() ? remade(value, to_lower(value.bytes())) : value; }

}  // namespace imago::chat::jinja
