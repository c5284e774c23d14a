#include "imago/tokenizers/chat/jinja/value.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "imago/tokenizers/chat/jinja/failure.h"

namespace imago::chat::jinja {
namespace {

// Values are walked recursively (printed, compared, destroyed), so their nesting is bounded where they are made.
constexpr int kMaxDepth = 600;

int checked_depth(int depth) {
  if (depth > kMaxDepth) limit_exceeded("a value is nested deeper than " + std::to_string(kMaxDepth));
  return depth;
}

size_t list_memory(const std::vector<Value>& items) { return sizeof(List) + items.capacity() * sizeof(Value); }

}  // namespace

Value::Value(const char* text) : Value(Text(std::string(text))) {}
Value::Value(std::string text) : Value(Text(std::move(text))) {}
Value::Value(Text text, bool safe) : value_(std::make_shared<const String>(std::move(text), safe)) {}

Value Value::undefined(std::string message, std::string_view exception) {
  Value value;
  value.value_ = std::make_shared<const Undefined>(Undefined{std::move(message), exception});
  return value;
}

Value Value::undefined_name(std::string_view name) { return undefined("'" + std::string(name) + "' is undefined"); }
Value Value::list(std::vector<Value> items) { return std::make_shared<const List>(std::move(items), false); }
Value Value::tuple(std::vector<Value> items) { return std::make_shared<const List>(std::move(items), true); }
Value Value::from_unsigned(uint64_t value) {
  if (value <= static_cast<uint64_t>(INT64_MAX)) return static_cast<int64_t>(value);
  Value large;
  large.value_ = value;
  return large;
}

double Value::as_double() const {
  if (is_large()) return static_cast<double>(as_large());
  return is_float() ? std::get<double>(value_) : static_cast<double>(as_integer());
}

Value Value::group(Value grouper, std::vector<Value> items) {
  std::vector<Value> parts{std::move(grouper), list(std::move(items))};
  return std::make_shared<const List>(std::move(parts), true, true);
}

bool Value::is_list() const { return is_sequence() && !as_sequence().tuple(); }
bool Value::is_tuple() const { return is_sequence() && as_sequence().tuple(); }
const std::string& Value::bytes() const { return as_string().bytes(); }

int Value::depth() const {
  if (is_sequence()) return as_sequence().depth();
  if (is_dict()) return as_dict().depth();
  return is_object() ? as_object()->depth() : 0;
}

Object::Object(int depth) : depth_(checked_depth(depth)) {}

bool Value::is_identical(const Value& other) const {
  if (value_.index() != other.value_.index()) return false;
  // Small integers and equal short strings are one object in CPython, but no template may rely on more than this.
  if (is_float() || is_number()) return value_ == other.value_;
  return value_ == other.value_ || (is_string() && bytes() == other.bytes());
}

String::String(Text text, bool safe)
    : text_(std::move(text)),
      safe_(safe),
      length_(static_cast<int64_t>(code_point_count(text_.bytes()))),
      charge_(sizeof(String) + text_.memory()) {
  spend_on_bytes(text_.size());
}

List::List(std::vector<Value> items, bool tuple, bool group)
    : items_(std::move(items)), tuple_(tuple), group_(group), depth_(1), charge_(list_memory(items_)) {
  spend(static_cast<int64_t>(items_.size() / 16));
  for (const Value& item : items_) depth_ = std::max(depth_, item.depth() + 1);
  checked_depth(depth_);
}

Dict::Dict() : charge_(sizeof(Dict)) {}

size_t Dict::place_of(const Value& key) const {
  if (items_.size() <= kScanned) {
    if (!key.is_string()) hash(key);  // a list is refused even where there is nothing to compare with
    for (size_t i = 0; i < items_.size(); ++i) {
      if (equals(items_[i].first, key)) return i;
    }
    return items_.size();
  }
  auto [first, last] = places_.equal_range(hash(key));
  for (; first != last; ++first) {
    spend(1);
    if (equals(items_[first->second].first, key)) return first->second;
  }
  return items_.size();
}

void Dict::set(Value key, Value value) {
  depth_ = checked_depth(std::max({depth_, key.depth() + 1, value.depth() + 1}));
  size_t place = place_of(key);
  if (place < items_.size()) {
    items_[place].second = std::move(value);
    return;
  }
  spend(1);
  charge_.add(2 * sizeof(std::pair<Value, Value>));
  items_.emplace_back(std::move(key), std::move(value));
  if (items_.size() == kScanned + 1) {
    for (size_t i = 0; i < items_.size(); ++i) places_.emplace(hash(items_[i].first), i);
  } else if (items_.size() > kScanned) {
    places_.emplace(hash(items_.back().first), place);
  }
}

const Value* Dict::find(const Value& key) const {
  size_t place = place_of(key);
  return place < items_.size() ? &items_[place].second : nullptr;
}

const Value* Dict::find(std::string_view key) const {
  if (items_.size() <= kScanned) {
    for (const auto& [name, value] : items_) {
      if (name.is_string() && name.bytes() == key) return &value;
    }
    return nullptr;
  }
  auto [first, last] = places_.equal_range(std::hash<std::string_view>()(key));
  for (; first != last; ++first) {
    const auto& [name, value] = items_[first->second];
    if (name.is_string() && name.bytes() == key) return &value;
  }
  return nullptr;
}

std::string_view type_name(const Value& value) {
  if (value.is_none()) return "NoneType";
  if (value.is_bool()) return "bool";
  if (value.is_int() || value.is_large()) return "int";
  if (value.is_float()) return "float";
  if (value.is_string()) return value.as_string().safe() ? "Markup" : "str";
  if (value.is_sequence()) return value.is_tuple() ? "tuple" : "list";
  if (value.is_dict()) return "dict";
  return value.is_object() ? value.as_object()->type_name() : "Undefined";
}

bool truthy(const Value& value) {
  if (value.is_bool()) return value.as_bool();
  if (value.is_int()) return value.as_integer() != 0;
  if (value.is_float() || value.is_large()) return value.as_double() != 0;
  if (value.is_string()) return !value.bytes().empty();
  if (value.is_sequence()) return !value.as_sequence().items().empty();
  if (value.is_dict()) return !value.as_dict().items().empty();
  return value.is_object() && value.as_object()->truthy();
}

bool equals(const Value& a, const Value& b) {
  if (a.is_large() && b.is_large()) return a.as_large() == b.as_large();
  if ((a.is_large() && b.is_integral()) || (a.is_integral() && b.is_large())) return false;
  if (a.is_number() && b.is_number()) {
    return a.is_integral() && b.is_integral() ? a.as_integer() == b.as_integer() : a.as_double() == b.as_double();
  }
  if (a.is_string() && b.is_string()) return a.bytes() == b.bytes();
  if (a.is_sequence() && b.is_sequence()) {
    const auto &x = a.as_sequence().items(), &y = b.as_sequence().items();
    if (a.is_tuple() != b.is_tuple() || x.size() != y.size()) return false;
    spend(static_cast<int64_t>(x.size()));
    return std::equal(x.begin(), x.end(), y.begin(), equals);
  }
  if (a.is_dict() && b.is_dict()) {
    const Dict &x = a.as_dict(), &y = b.as_dict();
    if (x.items().size() != y.items().size()) return false;
    spend(static_cast<int64_t>(x.items().size()));
    return std::all_of(x.items().begin(), x.items().end(), [&](const auto& item) {
      const Value* other = y.find(item.first);
      return other != nullptr && equals(item.second, *other);
    });
  }
  if (a.is_undefined() || b.is_undefined()) return a.is_undefined() && b.is_undefined();
  return a.is_identical(b);
}

bool less(const Value& a, const Value& b, std::string_view operation) {
  if (a.is_large() && b.is_large()) return a.as_large() < b.as_large();
  if (a.is_number() && b.is_number()) {
    return a.is_integral() && b.is_integral() ? a.as_integer() < b.as_integer() : a.as_double() < b.as_double();
  }
  if (a.is_string() && b.is_string()) return a.bytes() < b.bytes();  // UTF-8 sorts as its code points do
  if (a.is_sequence() && b.is_sequence() && a.is_tuple() == b.is_tuple()) {
    const auto &x = a.as_sequence().items(), &y = b.as_sequence().items();
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      spend(1);
      if (!equals(x[i], y[i])) return less(x[i], y[i], operation);
    }
    return x.size() < y.size();
  }
  require_defined(a);
  require_defined(b);
  type_error("'" + std::string(operation) + "' not supported between instances of '" + std::string(type_name(a)) +
             "' and '" + std::string(type_name(b)) + "'");
}

size_t hash(const Value& value) {
  if (value.is_string()) return std::hash<std::string_view>()(value.bytes());
  if (value.is_integral()) return std::hash<int64_t>()(value.as_integer());
  if (value.is_float()) {
    double number = value.as_double();
    bool integral = number == std::floor(number) && std::abs(number) < 9e18;
    return integral ? std::hash<int64_t>()(static_cast<int64_t>(number)) : std::hash<double>()(number);
  }
  if (value.is_large()) return std::hash<uint64_t>()(value.as_large());
  if (value.is_list() || value.is_dict()) type_error("unhashable type: '" + std::string(type_name(value)) + "'");
  if (value.is_tuple()) {
    size_t sum = 1;
    for (const Value& item : value.as_sequence().items()) sum = sum * 31 + hash(item);
    return sum;
  }
  return value.is_object() ? std::hash<const void*>()(value.as_object().get()) : size_t{value.is_none()};
}

std::optional<int64_t> length(const Value& value) {
  if (value.is_string()) return value.as_string().length();
  if (value.is_sequence()) return static_cast<int64_t>(value.as_sequence().items().size());
  if (value.is_dict()) return static_cast<int64_t>(value.as_dict().items().size());
  if (value.is_undefined()) return 0;
  return value.is_object() ? value.as_object()->length() : std::nullopt;
}

void require_defined(const Value& value) {
  if (value.is_undefined()) fail(value.as_undefined().exception, value.as_undefined().message);
}

}  // namespace imago::chat::jinja
