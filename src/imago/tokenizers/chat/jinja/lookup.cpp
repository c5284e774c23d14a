// Subscripts, slices and attributes.
#include <algorithm>

#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/methods.h"
#include "imago/tokenizers/chat/jinja/objects.h"
#include "imago/tokenizers/chat/jinja/operators.h"

namespace imago::chat::jinja {
namespace {

// What attribute access on any Python object would find, and the sandbox therefore calls unsafe.
bool is_internal(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "__class__",   "__init__",         "__new__",    "__dict__",      "__doc__",
      "__module__",  "__subclasshook__", "__eq__",     "__ne__",        "__hash__",
      "__repr__",    "__str__",          "__reduce__", "__reduce_ex__", "__dir__",
      "__lt__",      "__le__",           "__gt__",     "__ge__",        "__getattribute__",
      "__setattr__", "__delattr__",      "__sizeof__", "__format__",    "__init_subclass__",
      "__getstate__"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

Value missing(const Value& object, const Value& key) {
  bool none = object.is_none();
  std::string type = none ? "None" : std::string(type_name(object)) + " object";
  if (!key.is_string()) return Value::undefined(type + " has no element " + repr(key).bytes());
  return Value::undefined("'" + type + "' has no attribute " + repr(key).bytes());
}

Value unsafe(const Value& object, std::string_view name) {
  return Value::undefined(
      "access to attribute '" + std::string(name) + "' of '" + std::string(type_name(object)) + "' object is unsafe.",
      "SecurityError");
}

// obj[key]; nullopt where Python raises TypeError or LookupError.
std::optional<Value> item(const Value& object, const Value& key) {
  if (object.is_dict()) {
    if (key.is_list() || key.is_dict()) return std::nullopt;
    const Value* found = object.as_dict().find(key);
    return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
  }
  if (object.is_object()) return object.as_object()->item(key);
  if (!key.is_integral() || !(object.is_string() || object.is_sequence())) return std::nullopt;
  int64_t count = *length(object), index = key.as_integer();
  if (index < 0) index += count;
  if (index < 0 || index >= count) return std::nullopt;
  if (object.is_sequence()) return object.as_sequence().items()[static_cast<size_t>(index)];
  const String& string = object.as_string();
  auto place = static_cast<size_t>(index);
  if (!string.ascii()) spend_on_bytes(string.bytes().size());
  size_t begin = string.ascii() ? place : byte_of_code_point(string.bytes(), place);
  size_t end = begin + byte_of_code_point(std::string_view(string.bytes()).substr(begin), 1);
  return Value(string.text().slice(begin, end), string.safe());
}

std::optional<Value> attribute_or_unsafe(const Value& object, std::string_view name) {
  if (is_internal(name)) return unsafe(object, name);
  std::optional<Value> found = own_attribute(object, name);
  if (found.has_value() && name.starts_with('_')) return unsafe(object, name);
  return found;
}

int64_t bound(const Value& value, int64_t fallback, int64_t count, int64_t lowest) {
  if (value.is_none()) return fallback;
  require_defined(value);
  if (!value.is_integral()) type_error("slice indices must be integers or None or have an __index__ method");
  int64_t index = value.as_integer();
  if (index < 0) index = index + count < lowest ? lowest : index + count;
  return std::min(index, lowest < 0 ? count - 1 : count);
}

}  // namespace

std::optional<Value> own_attribute(const Value& object, std::string_view name) {
  if (object.is_object()) return object.as_object()->attribute(name);
  if (is_mutator(object, name)) return unsafe(object, name);
  if (object.is_sequence() && object.as_sequence().group()) {
    if (name == "grouper" || name == "list") return object.as_sequence().items()[name == "list" ? 1 : 0];
  }
  return find_method(object, name);
}

Value subscript(const Value& object, const Value& key) {
  require_defined(object);
  if (std::optional<Value> found = item(object, key)) return *found;
  if (key.is_string()) {
    if (std::optional<Value> found = attribute_or_unsafe(object, key.bytes())) return *found;
  }
  return missing(object, key);
}

Value attribute(const Value& object, std::string_view name) {
  if (object.is_undefined() && !is_internal(name)) require_defined(object);
  if (std::optional<Value> found = attribute_or_unsafe(object, name)) return *found;
  if (object.is_dict()) {
    if (const Value* found = object.as_dict().find(name)) return *found;
  }
  return missing(object, Value(std::string(name)));
}

Value slice(const Value& value, const Slice& bounds) {
  require_defined(value);
  if (auto* range = value.as<Range>()) return slice(Value::list(to_vector(std::make_shared<Range>(*range))), bounds);
  if (!value.is_string() && !value.is_sequence()) {
    // Unlike other subscripts, slices do not pass through the sandbox, which would make this undefined.
    if (value.is_dict()) type_error("unhashable type: 'slice'");
    type_error("'" + std::string(type_name(value)) + "' object is not subscriptable");
  }
  int64_t count = *length(value);
  if (!bounds.step.is_none()) bound(bounds.step, 1, count, 0);  // for its check of the type
  int64_t step = bounds.step.is_none() ? 1 : bounds.step.as_integer();
  if (step == 0) value_error("slice step cannot be zero");
  int64_t lowest = step > 0 ? 0 : -1;
  int64_t start = bound(bounds.start, step > 0 ? 0 : count - 1, count, lowest);
  int64_t stop = bound(bounds.stop, step > 0 ? count : -1, count, lowest);

  if (value.is_string() && step == 1) {
    const String& string = value.as_string();
    spend_on_bytes(string.bytes().size());
    stop = std::max(start, stop);
    auto byte = [&](int64_t i) {
      return string.ascii() ? static_cast<size_t>(i) : byte_of_code_point(string.bytes(), static_cast<size_t>(i));
    };
    return Value(string.text().slice(byte(start), byte(stop)), string.safe());
  }
  std::vector<Value> characters;
  if (value.is_string()) characters = to_vector(value);
  const std::vector<Value>& source = value.is_string() ? characters : value.as_sequence().items();
  std::vector<Value> items;
  // The distance is compared, not the next index, which could overflow.
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    spend(1);
    items.push_back(source[static_cast<size_t>(i)]);
    if (step > 0 ? step >= stop - i : step <= stop - i) break;
    i += step;
  }
  if (!value.is_string()) return value.is_tuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
  Text text;
  for (const Value& character : items) text.append(character.as_string().text());
  return Value(std::move(text), value.as_string().safe());
}

}  // namespace imago::chat::jinja
