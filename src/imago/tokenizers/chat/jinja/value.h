// The values of the template language: Python's None, bool, int, float, str, list, tuple and dict with Python's rules,
// Jinja's undefined, and objects (namespaces, macros, functions, generators, views, the loop).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "imago/tokenizers/chat/jinja/budget.h"
#include "imago/tokenizers/chat/jinja/text.h"

namespace imago::chat::jinja {

class Dict;
class List;
class Object;
class String;

struct Undefined {
  std::string message;
  std::string_view exception = "UndefinedError";
};

class Value {
 public:
  Value() = default;                            // None
  Value(bool value) : value_(value) {}          // NOLINT(google-explicit-constructor)
  Value(int value) : value_(int64_t{value}) {}  // NOLINT(google-explicit-constructor)
  Value(int64_t value) : value_(value) {}       // NOLINT(google-explicit-constructor)
  Value(double value) : value_(value) {}        // NOLINT(google-explicit-constructor)
  // An integer that may exceed int64_t. Such a large one can be shown and compared, but not computed with.
  static Value from_unsigned(uint64_t value);
  Value(const char* text);                                                // NOLINT(google-explicit-constructor)
  Value(std::string text);                                                // NOLINT(google-explicit-constructor)
  Value(Text text, bool safe = false);                                    // NOLINT(google-explicit-constructor)
  Value(std::shared_ptr<const String> text) : value_(std::move(text)) {}  // NOLINT(google-explicit-constructor)
  Value(std::shared_ptr<const List> list) : value_(std::move(list)) {}    // NOLINT(google-explicit-constructor)
  Value(std::shared_ptr<const Dict> dict) : value_(std::move(dict)) {}    // NOLINT(google-explicit-constructor)
  template <typename T>
  requires std::is_base_of_v<Object, T> Value(std::shared_ptr<T> object)
      : value_(std::shared_ptr<Object>(std::move(object))) {}  // NOLINT

  static Value undefined(std::string message, std::string_view exception = "UndefinedError");
  static Value undefined_name(std::string_view name);  // "'x' is undefined"
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);
  static Value group(Value grouper, std::vector<Value> items);  // what groupby yields: a tuple with named parts

  bool is_none() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_undefined() const { return std::holds_alternative<std::shared_ptr<const Undefined>>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }  // not of a bool
  bool is_float() const { return std::holds_alternative<double>(value_); }
  bool is_integral() const { return is_int() || is_bool(); }
  bool is_large() const { return std::holds_alternative<uint64_t>(value_); }
  bool is_number() const { return is_integral() || is_float() || is_large(); }
  bool is_string() const { return std::holds_alternative<std::shared_ptr<const String>>(value_); }
  bool is_sequence() const { return std::holds_alternative<std::shared_ptr<const List>>(value_); }  // list or tuple
  bool is_list() const;
  bool is_tuple() const;
  bool is_dict() const { return std::holds_alternative<std::shared_ptr<const Dict>>(value_); }
  bool is_object() const { return std::holds_alternative<std::shared_ptr<Object>>(value_); }

  // Each requires its kind.
  bool as_bool() const { return std::get<bool>(value_); }
  int64_t as_integer() const { return is_bool() ? int64_t{as_bool()} : std::get<int64_t>(value_); }
  double as_double() const;  // of any number
  uint64_t as_large() const { return std::get<uint64_t>(value_); }
  const String& as_string() const { return *std::get<std::shared_ptr<const String>>(value_); }
  const std::string& bytes() const;  // of a string
  const List& as_sequence() const { return *std::get<std::shared_ptr<const List>>(value_); }
  const Dict& as_dict() const { return *std::get<std::shared_ptr<const Dict>>(value_); }
  const std::shared_ptr<Object>& as_object() const { return std::get<std::shared_ptr<Object>>(value_); }
  const Undefined& as_undefined() const { return *std::get<std::shared_ptr<const Undefined>>(value_); }
  template <typename T>
  T* as() const {  // the object as a T, or null
    return is_object() ? dynamic_cast<T*>(as_object().get()) : nullptr;
  }

  bool is_identical(const Value& other) const;  // Python's `is`
  int depth() const;                            // how deep containers are nested in it

 private:
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::shared_ptr<const String>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Object>,
               std::shared_ptr<const Undefined>>
      value_;
};

// A str; `safe` makes it markupsafe's Markup, which escapes what it is joined with.
class String {
 public:
  explicit String(Text text, bool safe);

  const Text& text() const { return text_; }
  const std::string& bytes() const { return text_.bytes(); }
  bool safe() const { return safe_; }
  int64_t length() const { return length_; }                                      // code points
  bool ascii() const { return length_ == static_cast<int64_t>(bytes().size()); }  // then bytes are code points

 private:
  Text text_;
  bool safe_;
  int64_t length_;
  Charge charge_;
};

// A list or a tuple. Neither can be changed: the sandbox refuses append and its like.
class List {
 public:
  List(std::vector<Value> items, bool tuple, bool group = false);

  const std::vector<Value>& items() const { return items_; }
  bool tuple() const { return tuple_; }
  bool group() const { return group_; }  // a tuple whose items are called grouper and list
  int depth() const { return depth_; }

 private:
  std::vector<Value> items_;
  bool tuple_, group_;
  int depth_;
  Charge charge_;
};

// A dict in insertion order. It is filled once and then shared unchanged.
class Dict {
 public:
  Dict();

  void set(Value key, Value value);           // throws where the key cannot be hashed
  const Value* find(const Value& key) const;  // throws where the key cannot be hashed
  const Value* find(std::string_view key) const;
  const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  int depth() const { return depth_; }

 private:
  static constexpr size_t kScanned = 8;  // up to here a scan is quicker than hashing

  size_t place_of(const Value& key) const;

  std::vector<std::pair<Value, Value>> items_;
  std::unordered_multimap<size_t, size_t> places_;  // hash of the key -> index, once there are more than kScanned
  int depth_ = 1;
  Charge charge_;
};

// Everything that has behaviour of its own.
class Object {
 public:
  explicit Object(int depth = 0);  // one more than the depth of the values it holds; throws where that is too much
  virtual ~Object() = default;
  Object(const Object&) = default;
  Object& operator=(const Object&) = default;

  int depth() const { return depth_; }
  virtual std::string_view type_name() const = 0;  // Python's
  virtual Text repr() const = 0;
  virtual bool truthy() const { return true; }
  virtual std::optional<int64_t> length() const { return std::nullopt; }
  virtual std::optional<Value> attribute(std::string_view) { return std::nullopt; }
  virtual std::optional<Value> item(const Value&) { return std::nullopt; }  // obj[key]; nullopt: none, or no subscripts
  virtual bool callable() const { return false; }

 private:
  int depth_;
};

std::string_view type_name(const Value& value);  // as type(x).__name__
Text repr(const Value& value);                   // repr(x)
Text to_text(const Value& value);                // str(x)
bool truthy(const Value& value);
bool equals(const Value& a, const Value& b);
// a < b; throws where Python does.
bool less(const Value& a, const Value& b, std::string_view operation = "<");
size_t hash(const Value& value);  // throws TypeError for lists and dicts
std::optional<int64_t> length(const Value& value);

// Throws the UndefinedError that an operation on an undefined value raises; does nothing for other values.
void require_defined(const Value& value);

}  // namespace imago::chat::jinja
