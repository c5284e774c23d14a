// JSON: a value that keeps its keys in order as Python's dicts do, a parser of linear time with limits, a writer that
// writes what Python's json.dumps does.
//
// The value is our own and not a library's, since one in three files looks into JSON and the library's header costs
// seconds in each; its members have the usual names (those of nlohmann::json), but conversions are never implicit.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "imago/base/error.h"

namespace imago {

class Json;

// What a Json throws: it is of another type than was asked for, or has no such key or item. Kind kInvalidFile.
class JsonError : public Error {
 public:
  explicit JsonError(std::string_view what) : Error(ErrorKind::kInvalidFile, "json", what) {}
};

// A place in an array or an object; `key()` is the key of a member.
template <bool is_const>
class JsonIterator {
 public:
  using Item = std::conditional_t<is_const, const Json, Json>;
  using Member = std::conditional_t<is_const, const std::pair<std::string, Json>, std::pair<std::string, Json>>;
  using iterator_category = std::forward_iterator_tag;
  using value_type = Json;
  using difference_type = std::ptrdiff_t;
  using pointer = Item*;
  using reference = Item&;

  JsonIterator() = default;
  explicit JsonIterator(Item* item) : item_(item) {}
  explicit JsonIterator(Member* member) : member_(member) {}
  operator JsonIterator<true>() const { return member_ ? JsonIterator<true>(member_) : JsonIterator<true>(item_); }

  Item& operator*() const { return value(); }
  Item* operator->() const { return &value(); }
  Item& value() const;
  const std::string& key() const { return member_->first; }
  JsonIterator& operator++();
  JsonIterator operator++(int) {
    JsonIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const JsonIterator& a, const JsonIterator& b) {
    return a.item_ == b.item_ && a.member_ == b.member_;
  }

 private:
  Item* item_ = nullptr;
  Member* member_ = nullptr;
};

// What a Json is made of beside other Json: numbers, booleans, text, and ranges and maps of what a Json is made of.
template <class T>
concept JsonSource =
    !std::same_as<T, Json> && (std::is_arithmetic_v<T> || std::convertible_to<const T&, std::string_view> ||
                               requires(const T& range) { std::begin(range), typename T::value_type{}; });

class Json {
 public:
  enum class Kind : uint8_t { null, boolean, integer, unsigned_integer, real, string, array, object };
  using array_t = std::vector<Json>;
  using member_t = std::pair<std::string, Json>;
  using object_t = std::vector<member_t>;
  using iterator = JsonIterator<false>;
  using const_iterator = JsonIterator<true>;

  Json() noexcept = default;
  Json(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): a value is written as it is in JSON
  // A list of pairs of which each begins with a string is an object; any other list is an array.
  Json(std::initializer_list<Json> items);
  template <class T>
  requires JsonSource<std::remove_cvref_t<T>> Json(T&& value) {  // NOLINT(google-explicit-constructor)
    using Plain = std::remove_cvref_t<T>;
    if constexpr (std::same_as<Plain, bool>) {
      set(bool{value});
    } else if constexpr (std::unsigned_integral<Plain>) {
      set(static_cast<uint64_t>(value));
    } else if constexpr (std::integral<Plain>) {
      set(static_cast<int64_t>(value));
    } else if constexpr (std::floating_point<Plain>) {
      set(static_cast<double>(value));
    } else if constexpr (std::same_as<Plain, std::string> || std::same_as<Plain, array_t> ||
                         std::same_as<Plain, object_t>) {
      set(Plain(std::forward<T>(value)));
    } else if constexpr (std::convertible_to<T, std::string_view>) {
      set(std::string(std::string_view(value)));
    } else if constexpr (requires { typename Plain::mapped_type; }) {
      object_t members;
      for (const auto& [key, item] : value) members.emplace_back(key, Json(item));
      set(std::move(members));
    } else {
      array_t items;
      for (const typename Plain::value_type& item : value) items.push_back(Json(item));
      set(std::move(items));
    }
  }
  Json(const Json& other);
  Json(Json&& other) noexcept : kind_(std::exchange(other.kind_, Kind::null)), held_(other.held_) {}
  // By value, so that `json["new"] = json["old"]` has its copy before the object grows.
  Json& operator=(Json other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(held_, other.held_);
    return *this;
  }
  ~Json() {
    if (kind_ >= Kind::string) destroy();
  }

  static Json array(std::initializer_list<Json> items = {}) { return Json(array_t(items)); }
  static Json object(std::initializer_list<Json> members = {});

  Kind kind() const { return kind_; }
  const char* type_name() const;  // "null", "boolean", "number", "string", "array", "object"
  bool is_null() const { return kind_ == Kind::null; }
  bool is_boolean() const { return kind_ == Kind::boolean; }
  bool is_number() const { return is_number_integer() || is_number_float(); }
  bool is_number_integer() const { return kind_ == Kind::integer || kind_ == Kind::unsigned_integer; }
  bool is_number_unsigned() const { return kind_ == Kind::unsigned_integer; }
  bool is_number_float() const { return kind_ == Kind::real; }
  bool is_string() const { return kind_ == Kind::string; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_object() const { return kind_ == Kind::object; }

  // The value as a T: bool, an integer, a floating-point number, std::string, or a std::vector or std::map of those. A
  // number is taken as an integer only if it is one and T holds it. Throws JsonError where the value is
  // something else.
  template <class T>
  T get() const {
    if constexpr (std::same_as<T, bool>) {
      return as_boolean();
    } else if constexpr (std::unsigned_integral<T>) {
      return static_cast<T>(as_unsigned(std::numeric_limits<T>::max()));
    } else if constexpr (std::integral<T>) {
      return static_cast<T>(as_integer(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(as_real());
    } else if constexpr (std::same_as<T, std::string>) {
      return as_string();
    } else if constexpr (std::same_as<T, Json>) {
      return *this;
    } else if constexpr (requires { typename T::mapped_type; }) {
      T members;
      for (const auto& [key, item] : as_object()) members.emplace(key, item.template get<typename T::mapped_type>());
      return members;
    } else {
      T items;
      items.reserve(as_array().size());
      for (const Json& item : as_array()) items.push_back(item.get<typename T::value_type>());
      return items;
    }
  }
  // The parts themselves. Throw as get() does.
  const std::string& as_string() const;
  const array_t& as_array() const;
  const object_t& as_object() const;
  array_t& as_array();
  object_t& as_object();

  // 0 of null, the number of items of an array or members of an object, 1 of anything else.
  size_t size() const;
  bool empty() const { return size() == 0; }

  // Members of an object. at() throws JsonError for a key that is missing or a value that is no object;
  // operator[] of a null makes it an object and adds what is missing.
  bool contains(std::string_view key) const { return find(key) != end(); }
  const_iterator find(std::string_view key) const;
  iterator find(std::string_view key);
  const Json& at(std::string_view key) const;
  Json& at(std::string_view key);
  const Json& operator[](std::string_view key) const { return at(key); }
  Json& operator[](std::string_view key);
  const Json& operator[](const char* key) const { return at(key); }
  Json& operator[](const char* key) { return (*this)[std::string_view(key)]; }
  // The member as what `otherwise` is, or `otherwise` where there is none.
  template <class T>
  T value(std::string_view key, const T& otherwise) const {
    const Json* found = member(key);
    return found ? found->get<T>() : otherwise;
  }
  std::string value(std::string_view key, const char* otherwise) const { return value(key, std::string(otherwise)); }
  void emplace(std::string_view key, Json value);  // only where there is none
  bool erase(std::string_view key);                // whether it was there
  void update(const Json& object);                 // each of its members is set

  // Items of an array; push_back makes a null an array. Throw as above, also for an index beyond the end.
  const Json& at(size_t index) const;
  Json& at(size_t index);
  template <std::integral I>
  const Json& operator[](I index) const {
    return at(static_cast<size_t>(index));
  }
  template <std::integral I>
  Json& operator[](I index) {
    return at(static_cast<size_t>(index));
  }
  const Json& front() const { return at(size_t{0}); }
  const Json& back() const { return at(size() - 1); }
  Json& back() { return at(size() - 1); }
  void push_back(Json item);
  void emplace_back(Json item) { push_back(std::move(item)); }

  // Over the items or members; nothing of null, and begin() of what has no parts throws JsonError.
  iterator begin();
  iterator end();
  const_iterator begin() const;
  const_iterator end() const;
  // The members of an object (none of null), for `for (const auto& [key, value] : json.items())`.
  const object_t& items() const;

  // As Python compares: 1 and 1.0 are equal, and objects whose members stand in another order.
  friend bool operator==(const Json& a, const Json& b) { return equal(a, b); }

 private:
  union Held {
    bool boolean;
    int64_t integer;
    uint64_t unsigned_integer;
    double real;
    std::string* string;
    array_t* array;
    object_t* object;
  };

  void set(bool value);
  void set(int64_t value);
  void set(uint64_t value);
  void set(double value);
  void set(std::string value);
  void set(array_t value);
  void set(object_t value);
  void destroy() noexcept;
  static bool equal(const Json& a, const Json& b);
  [[noreturn]] void fail_type(const char* expected) const;
  bool as_boolean() const;
  int64_t as_integer(int64_t least, int64_t greatest) const;
  uint64_t as_unsigned(uint64_t greatest) const;
  double as_real() const;
  const Json* member(std::string_view key) const;

  Kind kind_ = Kind::null;
  Held held_{};
};

template <bool is_const>
typename JsonIterator<is_const>::Item& JsonIterator<is_const>::value() const {
  return member_ ? member_->second : *item_;
}

template <bool is_const>
JsonIterator<is_const>& JsonIterator<is_const>::operator++() {
  if (member_) {
    ++member_;
  } else {
    ++item_;
  }
  return *this;
}

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
std::ostream& operator<<(std::ostream& out, const Json& value);

// The parts of dump_json for those who write JSON of other values: a quoted string, a number (NaN and Infinity as
// Python writes them).
void append_json_string(std::string& out, std::string_view text, bool ensure_ascii);
void append_json_number(std::string& out, double value);

// Python's repr of a float: the shortest digits that read back equal, "1.0", "1e+16", "nan", "inf".
std::string python_repr(double value);

}  // namespace imago
