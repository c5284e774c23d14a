// The methods of str that search, cut and join.
#include <algorithm>
#include <set>

#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/characters.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/format.h"
#include "imago/tokenizers/chat/jinja/methods.h"
#include "imago/tokenizers/chat/jinja/operators.h"
#include "imago/tokenizers/chat/jinja/string_predicates.h"

namespace imago::chat::jinja {
namespace {

Value piece(const Value& string, size_t begin, size_t end) {
  return Value(string.as_string().text().slice(begin, end), string.as_string().safe());
}

// The characters of `set`, for searching one by one.
std::set<char32_t> characters_of(const Value& value) {
  require_defined(value);
  if (!value.is_string()) type_error("strip arg must be None or str");
  std::set<char32_t> set;
  for (std::string_view rest = value.bytes(); !rest.empty();) {
    auto [c, size] = decode_utf8(rest);
    set.insert(c);
    rest.remove_prefix(static_cast<size_t>(size));
  }
  return set;
}

std::pair<size_t, size_t> stripped(std::string_view text, const std::set<char32_t>& set, Sides sides) {
  size_t begin = 0, end = text.size();
  while (sides != Sides::kRight && begin < end) {
    auto [c, size] = decode_utf8(text.substr(begin));
    if (!set.contains(c)) break;
    begin += static_cast<size_t>(size);
  }
  while (sides != Sides::kLeft && end > begin) {
    size_t last = end - 1;
    while (last > begin && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!set.contains(decode_utf8(text.substr(last)).code_point)) break;
    end = last;
  }
  return {begin, end};
}

std::vector<Value> split_at_spaces(const Value& string, int64_t max_splits) {
  std::vector<Value> parts;
  std::string_view text = string.bytes();
  std::string_view rest = strip_left(text);
  while (!rest.empty()) {
    auto begin = static_cast<size_t>(rest.data() - text.data());
    if (max_splits-- == 0) {
      parts.push_back(piece(string, begin, text.size()));
      return parts;
    }
    while (!rest.empty() && !is_space(decode_utf8(rest).code_point)) {
      rest.remove_prefix(static_cast<size_t>(decode_utf8(rest).size));
    }
    parts.push_back(piece(string, begin, static_cast<size_t>(rest.data() - text.data())));
    rest = strip_left(rest);
  }
  return parts;
}

std::vector<Value> split_at_spaces_from_right(const Value& string, int64_t max_splits) {
  std::vector<Value> parts;
  std::string_view rest = strip_right(string.bytes());
  while (!rest.empty()) {
    size_t end = rest.size();
    if (max_splits-- == 0) {
      parts.push_back(piece(string, 0, end));
      break;
    }
    size_t begin = end;
    while (begin > 0) {
      size_t last = begin - 1;
      while (last > 0 && (static_cast<unsigned char>(rest[last]) & 0xC0) == 0x80) --last;
      if (is_space(decode_utf8(rest.substr(last)).code_point)) break;
      begin = last;
    }
    parts.push_back(piece(string, begin, end));
    rest = strip_right(rest.substr(0, begin));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Value> split_at(const Value& string, const std::string& separator, int64_t max_splits, bool from_right) {
  const std::string& text = string.bytes();
  std::vector<Value> parts;
  if (from_right) {
    size_t end = text.size();
    while (max_splits-- != 0 && end >= separator.size()) {
      size_t found = text.rfind(separator, end - separator.size());
      if (found == std::string::npos) break;
      parts.push_back(piece(string, found + separator.size(), end));
      end = found;
    }
    parts.push_back(piece(string, 0, end));
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  size_t begin = 0;
  while (max_splits-- != 0) {
    size_t found = text.find(separator, begin);
    if (found == std::string::npos) break;
    parts.push_back(piece(string, begin, found));
    begin = found + separator.size();
  }
  parts.push_back(piece(string, begin, text.size()));
  return parts;
}

// The bytes of s[start:end], as find, count and their kin take them; nullopt where start lies beyond the end.
std::optional<std::pair<size_t, size_t>> window(const String& string, const BoundArguments& args, size_t first) {
  int64_t count = string.length();
  auto clip = [&](size_t i, int64_t fallback) {
    if (!args.has_not_none(i)) return fallback;
    int64_t index = args.integer(i, fallback);
    return index < 0 ? std::max<int64_t>(index + count, 0) : index;
  };
  int64_t start = clip(first, 0), end = std::min(clip(first + 1, count), count);
  if (start > end) return std::nullopt;
  auto byte = [&](int64_t i) { return byte_of_code_point(string.bytes(), static_cast<size_t>(i)); };
  if (string.ascii()) return std::pair(static_cast<size_t>(start), static_cast<size_t>(end));
  return std::pair(byte(start), byte(end));
}

int64_t find_in(std::string_view name, const Value& self, Arguments arguments, bool from_right) {
  BoundArguments args(name, {"sub", "start", "end"}, 1, std::move(arguments), 3);
  const std::string& part = args.string(0).bytes();
  auto range = window(self.as_string(), args, 1);
  if (!range) return -1;
  std::string_view text = std::string_view(self.bytes()).substr(0, range->second);
  size_t found = from_right ? text.rfind(part) : text.find(part, range->first);
  if (found == std::string_view::npos || found < range->first) return -1;
  return static_cast<int64_t>(code_point_count(text.substr(0, found)));
}

template <bool kFromRight>
Value find(Interpreter&, const Value& self, Arguments arguments) {
  return find_in(kFromRight ? "rfind" : "find", self, std::move(arguments), kFromRight);
}

template <bool kFromRight>
Value index(Interpreter&, const Value& self, Arguments arguments) {
  int64_t found = find_in(kFromRight ? "rindex" : "index", self, std::move(arguments), kFromRight);
  if (found < 0) value_error("substring not found");
  return found;
}

Value count(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("count", {"sub", "start", "end"}, 1, std::move(arguments), 3);
  const std::string& part = args.string(0).bytes();
  auto range = window(self.as_string(), args, 1);
  if (!range) return 0;
  std::string_view text = std::string_view(self.bytes()).substr(range->first, range->second - range->first);
  if (part.empty()) return static_cast<int64_t>(code_point_count(text)) + 1;
  int64_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

template <bool kEnd>
Value begins_or_ends(Interpreter&, const Value& self, Arguments arguments) {
  std::string name = kEnd ? "endswith" : "startswith";
  BoundArguments args(name, {"prefix", "start", "end"}, 1, std::move(arguments), 3);
  auto range = window(self.as_string(), args, 1);
  auto matches = [&](const Value& part) {
    if (!part.is_string()) {
      require_defined(part);
      type_error(name + " first arg must be str or a tuple of str, not " + std::string(type_name(part)));
    }
    if (!range) return false;
    std::string_view text = std::string_view(self.bytes()).substr(range->first, range->second - range->first);
    return kEnd ? text.ends_with(part.bytes()) : text.starts_with(part.bytes());
  };
  if (!args[0].is_tuple()) return matches(args[0]);
  const auto& parts = args[0].as_sequence().items();
  return std::any_of(parts.begin(), parts.end(), matches);
}

template <Sides kSides>
Value strip_method(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("strip", {"chars"}, 0, std::move(arguments), 1);
  return strip(self, args.get(0, {}), kSides);
}

template <bool kFromRight>
Value split_method(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args(kFromRight ? "rsplit" : "split", {"sep", "maxsplit"}, 0, std::move(arguments));
  return split(self, args.get(0, {}), args.integer(1, -1), kFromRight);
}

Value split_lines_method(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("splitlines", {"keepends"}, 0, std::move(arguments));
  return Value::list(split_lines(self.as_string(), args.flag(0, false)));
}

template <bool kFromRight>
Value partition(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args(kFromRight ? "rpartition" : "partition", {"sep"}, 1, std::move(arguments), 1);
  const std::string& separator = args.string(0).bytes();
  if (separator.empty()) value_error("empty separator");
  size_t found = kFromRight ? self.bytes().rfind(separator) : self.bytes().find(separator);
  if (found == std::string::npos) {
    return kFromRight ? Value::tuple({Value(""), Value(""), self}) : Value::tuple({self, Value(""), Value("")});
  }
  size_t behind = found + separator.size();
  return Value::tuple({piece(self, 0, found), piece(self, found, behind), piece(self, behind, self.bytes().size())});
}

template <bool kSuffix>
Value remove_affix(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args(kSuffix ? "removesuffix" : "removeprefix", {"affix"}, 1, std::move(arguments), 1);
  const std::string &affix = args.string(0).bytes(), &text = self.bytes();
  if (kSuffix) return text.ends_with(affix) ? piece(self, 0, text.size() - affix.size()) : self;
  return text.starts_with(affix) ? piece(self, affix.size(), text.size()) : self;
}

Value replace_method(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("replace", {"old", "new", "count"}, 2, std::move(arguments), 3);
  args.string(0);
  args.string(1);
  return replace(self, args[0], args[1], args.integer(2, -1));
}

Value join_method(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("join", {"iterable"}, 1, std::move(arguments), 1);
  std::vector<Value> parts = to_vector(args[0]);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].is_string()) continue;
    type_error("sequence item " + std::to_string(i) + ": expected str instance, " + std::string(type_name(parts[i])) +
               " found");
  }
  return join(self, parts);
}

Value format_method(Interpreter&, const Value& self, Arguments arguments) { return format_braces(self, arguments); }

Value format_map(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("format_map", {"mapping"}, 1, std::move(arguments), 1);
  if (!args[0].is_dict()) type_error("format_map() argument must be a dict");
  Arguments fields;
  for (const auto& [key, value] : args[0].as_dict().items()) {
    if (key.is_string()) fields.keywords.emplace_back(key.bytes(), value);
  }
  return format_braces(self, fields);
}

template <std::string (*kMap)(std::string_view)>
Value mapped(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("this method", {}, 0, std::move(arguments));
  spend_on_bytes(self.bytes().size() * 8);
  return remade(self, kMap(self.bytes()));
}

template <int kAlign>  // -1: text to the left, 0: centred, 1: to the right
Value justify(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("justify", {"width", "fillchar"}, 1, std::move(arguments), 2);
  int64_t missing = args.integer(0, 0) - self.as_string().length();
  std::string fill = args.has(1) ? args.string(1).bytes() : " ";
  if (code_point_count(fill) != 1) type_error("The fill character must be exactly one character long");
  if (missing <= 0) return self;
  // str.center puts the odd one to the left when the width is odd.
  int64_t width = args.integer(0, 0);
  int64_t left = kAlign < 0 ? 0 : kAlign > 0 ? missing : missing / 2 + (missing & width & 1);
  Value padding{Text(fill, args.has(1) && args.string(1).text().has_user())};
  return add_strings(add_strings(repeat(padding, left), self), repeat(padding, missing - left));
}

Value zero_fill(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("zfill", {"width"}, 1, std::move(arguments), 1);
  int64_t missing = args.integer(0, 0) - self.as_string().length();
  if (missing <= 0) return self;
  size_t sign = self.bytes().starts_with('-') || self.bytes().starts_with('+') ? 1 : 0;
  Value zeros = repeat(Value("0"), missing);
  return add_strings(add_strings(piece(self, 0, sign), zeros), piece(self, sign, self.bytes().size()));
}

Value expand_tabs(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("expandtabs", {"tabsize"}, 0, std::move(arguments));
  int64_t size = args.integer(0, 8), column = 0;
  Text text;
  for (std::string_view rest = self.bytes(); !rest.empty();) {
    auto length = static_cast<size_t>(decode_utf8(rest).size);
    auto at = static_cast<size_t>(rest.data() - self.bytes().data());
    if (rest[0] == '\t') {
      int64_t spaces = size > 0 ? size - column % size : 0;
      require_memory(text.size() + static_cast<size_t>(spaces));
      text.append(std::string(static_cast<size_t>(spaces), ' '));
      column += spaces;
    } else {
      text.append(self.as_string().text(), at, at + length);
      column = rest[0] == '\n' || rest[0] == '\r' ? 0 : column + 1;
    }
    rest.remove_prefix(length);
  }
  return Value(std::move(text), self.as_string().safe());
}

Value refused(Interpreter&, const Value&, Arguments) {
  unsupported("the str methods encode, maketrans and translate are not supported");
}

constexpr NamedMethod kMethods[] = {
    {"capitalize", mapped<to_capitalized>},
    {"casefold", mapped<casefold>},
    {"center", justify<0>},
    {"count", count},
    {"encode", refused},
    {"endswith", begins_or_ends<true>},
    {"expandtabs", expand_tabs},
    {"find", find<false>},
    {"format", format_method},
    {"format_map", format_map},
    {"index", index<false>},
    {"join", join_method},
    {"ljust", justify<-1>},
    {"lower", mapped<to_lower>},
    {"lstrip", strip_method<Sides::kLeft>},
    {"maketrans", refused},
    {"partition", partition<false>},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"replace", replace_method},
    {"rfind", find<true>},
    {"rindex", index<true>},
    {"rjust", justify<1>},
    {"rpartition", partition<true>},
    {"rsplit", split_method<true>},
    {"rstrip", strip_method<Sides::kRight>},
    {"split", split_method<false>},
    {"splitlines", split_lines_method},
    {"startswith", begins_or_ends<false>},
    {"strip", strip_method<Sides::kBoth>},
    {"swapcase", mapped<swap_case>},
    {"title", mapped<to_title>},
    {"translate", refused},
    {"upper", mapped<to_upper>},
    {"zfill", zero_fill},
};

}  // namespace

Method find_string_method(std::string_view name) {
  for (const NamedMethod& method : kMethods) {
    if (method.name == name) return method.method;
  }
  return find_string_predicate(name);
}

Value remade(const Value& string, std::string bytes) {
  return Value(string.as_string().text().with_bytes(std::move(bytes)), string.as_string().safe());
}

Value strip(const Value& string, const Value& characters, Sides sides) {
  std::string_view text = string.bytes();
  if (!characters.is_none()) {
    auto [begin, end] = stripped(text, characters_of(characters), sides);
    return piece(string, begin, end);
  }
  std::string_view rest = sides == Sides::kRight ? text : strip_left(text);
  if (sides != Sides::kLeft) rest = strip_right(rest);
  auto begin = static_cast<size_t>(rest.data() - text.data());
  return begin == 0 && rest.size() == text.size() ? string : piece(string, begin, begin + rest.size());
}

std::vector<Value> split_lines(const String& string, bool keep_ends) {
  std::vector<Value> lines;
  std::string_view text = string.bytes();
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    auto [c, size] = decode_utf8(text.substr(at));
    size_t end = at;
    at += static_cast<size_t>(size);
    bool breaks = (c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (!breaks) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    lines.emplace_back(string.text().slice(begin, keep_ends ? at : end), string.safe());
    begin = at;
  }
  if (begin < text.size()) lines.emplace_back(string.text().slice(begin, text.size()), string.safe());
  return lines;
}

static std::vector<size_t> places_of(const std::string& text, const std::string& part, int64_t count) {
  std::vector<size_t> places;
  if (!part.empty()) {
    for (size_t at = text.find(part); at != std::string::npos && count-- != 0; at = text.find(part, at + part.size())) {
      places.push_back(at);
    }
    return places;
  }
  for (size_t at = 0; at <= text.size() && count-- != 0;) {  // before every character, and at the end
    places.push_back(at);
    at += at < text.size() ? static_cast<size_t>(decode_utf8(std::string_view(text).substr(at)).size) : 1;
  }
  return places;
}

Value replace(const Value& string, const Value& from, const Value& to, int64_t count) {
  const String& self = string.as_string();
  Text old_text = joined_text(from, self.safe()), new_text = joined_text(to, self.safe());
  spend_on_bytes(self.bytes().size());
  require_memory(self.bytes().size() / std::max<size_t>(old_text.size(), 1) * sizeof(size_t));
  std::vector<size_t> places = places_of(self.bytes(), old_text.bytes(), count);
  if (places.empty()) return string;
  require_memory(self.bytes().size() + places.size() * new_text.memory());
  Text result;
  size_t begin = 0;
  for (size_t place : places) {
    result.append(self.text(), begin, place);
    result.append(new_text);
    begin = place + old_text.size();
  }
  result.append(self.text(), begin, self.bytes().size());
  return Value(std::move(result), self.safe());
}

Value join(const Value& separator, const std::vector<Value>& parts) {
  bool safe = separator.as_string().safe();
  const Text& between = separator.as_string().text();
  size_t total = 0;
  for (const Value& part : parts) total += part.bytes().size() + between.size();
  require_memory(total);
  Text result;
  result.reserve(total);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) result.append(between);
    if (safe) {
      result.append(joined_text(parts[i], safe));
    } else {
      result.append(parts[i].as_string().text());
    }
  }
  return Value(std::move(result), safe);
}

Value split(const Value& string, const Value& separator, int64_t max_splits, bool from_right) {
  if (separator.is_none()) {
    return Value::list(from_right ? split_at_spaces_from_right(string, max_splits)
                                  : split_at_spaces(string, max_splits));
  }
  require_defined(separator);
  if (!separator.is_string()) type_error("must be str or None, not " + std::string(type_name(separator)));
  if (separator.bytes().empty()) value_error("empty separator");
  return Value::list(split_at(string, separator.bytes(), max_splits, from_right));
}

}  // namespace imago::chat::jinja
