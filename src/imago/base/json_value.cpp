#include <algorithm>
#include <cmath>
#include <ostream>

#include "imago/base/json.h"
#include "imago/base/quote.h"

namespace imago {
namespace {

bool is_member(const Json& item) { return item.is_array() && item.size() == 2 && item[0].is_string(); }

[[noreturn]] void fail_key(std::string_view key) { throw JsonError("there is no key " + quote(key)); }

}  // namespace

Json::Json(std::initializer_list<Json> items) {
  if (std::all_of(items.begin(), items.end(), is_member)) {
    *this = object(items);
  } else {
    set(array_t(items));
  }
}

Json Json::object(std::initializer_list<Json> members) {
  object_t object;
  object.reserve(members.size());
  for (const Json& member : members) {
    if (!is_member(member)) {
      throw JsonError("an object is made of pairs of a string and a value");
    }
    object.emplace_back(member[0].as_string(), member[1]);
  }
  return object;
}

Json::Json(const Json& other) {
  switch (other.kind_) {
    case Kind::string: set(*other.held_.string); break;
    case Kind::array: set(*other.held_.array); break;
    case Kind::object: set(*other.held_.object); break;
    default: kind_ = other.kind_, held_ = other.held_;
  }
}

void Json::destroy() noexcept {
  switch (kind_) {
    case Kind::string: delete held_.string; break;
    case Kind::array: delete held_.array; break;
    case Kind::object: delete held_.object; break;
    default: break;
  }
}

void Json::set(bool value) { kind_ = Kind::boolean, held_.boolean = value; }
void Json::set(int64_t value) { kind_ = Kind::integer, held_.integer = value; }
void Json::set(uint64_t value) { kind_ = Kind::unsigned_integer, held_.unsigned_integer = value; }
void Json::set(double value) { kind_ = Kind::real, held_.real = value; }
void Json::set(std::string value) { held_.string = new std::string(std::move(value)), kind_ = Kind::string; }
void Json::set(array_t value) { held_.array = new array_t(std::move(value)), kind_ = Kind::array; }
void Json::set(object_t value) { held_.object = new object_t(std::move(value)), kind_ = Kind::object; }

const char* Json::type_name() const {
  switch (kind_) {
    case Kind::null: return "null";
    case Kind::boolean: return "boolean";
    case Kind::string: return "string";
    case Kind::array: return "array";
    case Kind::object: return "object";
    default: return "number";
  }
}

void Json::fail_type(const char* expected) const {
  throw JsonError(std::string(expected) + " was expected, and this is of type " + type_name());
}

bool Json::as_boolean() const {
  if (kind_ != Kind::boolean) fail_type("a boolean");
  return held_.boolean;
}

int64_t Json::as_integer(int64_t least, int64_t greatest) const {
  int64_t value = 0;
  bool held = true;
  if (kind_ == Kind::integer) {
    value = held_.integer;
  } else if (kind_ == Kind::unsigned_integer) {
    held = held_.unsigned_integer <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    value = static_cast<int64_t>(held_.unsigned_integer);
  } else if (kind_ == Kind::real && std::abs(held_.real) < 0x1p63 && held_.real == std::trunc(held_.real)) {
    value = static_cast<int64_t>(held_.real);
  } else {
    fail_type("an integer");
  }
  if (!held || value < least || value > greatest) {
    throw JsonError("the integer " + dump_json(*this) + " is out of range");
  }
  return value;
}

uint64_t Json::as_unsigned(uint64_t greatest) const {
  constexpr auto kGreatestSigned = std::numeric_limits<int64_t>::max();
  uint64_t value =
      kind_ == Kind::unsigned_integer ? held_.unsigned_integer : static_cast<uint64_t>(as_integer(0, kGreatestSigned));
  if (value > greatest) {
    throw JsonError("the integer " + std::to_string(value) + " is out of range");
  }
  return value;
}

double Json::as_real() const {
  switch (kind_) {
    case Kind::integer: return static_cast<double>(held_.integer);
    case Kind::unsigned_integer: return static_cast<double>(held_.unsigned_integer);
    case Kind::real: return held_.real;
    default: fail_type("a number");
  }
}

const std::string& Json::as_string() const {
  if (kind_ != Kind::string) fail_type("a string");
  return *held_.string;
}

const Json::array_t& Json::as_array() const {
  if (kind_ != Kind::array) fail_type("an array");
  return *held_.array;
}

const Json::object_t& Json::as_object() const {
  if (kind_ != Kind::object) fail_type("an object");
  return *held_.object;
}

Json::array_t& Json::as_array() { return const_cast<array_t&>(std::as_const(*this).as_array()); }
Json::object_t& Json::as_object() { return const_cast<object_t&>(std::as_const(*this).as_object()); }

size_t Json::size() const {
  switch (kind_) {
    case Kind::null: return 0;
    case Kind::array: return held_.array->size();
    case Kind::object: return held_.object->size();
    default: return 1;
  }
}

const Json* Json::member(std::string_view key) const {
  for (const auto& [name, value] : as_object()) {
    if (name == key) return &value;
  }
  return nullptr;
}

Json::const_iterator Json::find(std::string_view key) const {
  if (kind_ != Kind::object) return end();
  const auto found =
      std::find_if(held_.object->cbegin(), held_.object->cend(), [&](const member_t& m) { return m.first == key; });
  return const_iterator(std::to_address(found));
}

Json::iterator Json::find(std::string_view key) {
  if (kind_ != Kind::object) return end();
  const auto found =
      std::find_if(held_.object->begin(), held_.object->end(), [&](const member_t& m) { return m.first == key; });
  return iterator(std::to_address(found));
}

const Json& Json::at(std::string_view key) const {
  const Json* found = member(key);
  if (!found) fail_key(key);
  return *found;
}

Json& Json::at(std::string_view key) { return const_cast<Json&>(std::as_const(*this).at(key)); }

Json& Json::operator[](std::string_view key) {
  if (is_null()) set(object_t());
  if (const Json* found = member(key)) return const_cast<Json&>(*found);
  return held_.object->emplace_back(key, Json()).second;
}

void Json::emplace(std::string_view key, Json value) {
  if (!contains(key)) (*this)[key] = std::move(value);
}

bool Json::erase(std::string_view key) {
  return std::erase_if(as_object(), [&](const member_t& member) { return member.first == key; }) > 0;
}

void Json::update(const Json& object) {
  if (is_null()) set(object_t());
  for (const auto& [key, value] : object.as_object()) (*this)[key] = value;
}

const Json& Json::at(size_t index) const {
  if (index >= as_array().size()) {
    throw JsonError("there is no item " + std::to_string(index) + " in an array of " + std::to_string(size()));
  }
  return (*held_.array)[index];
}

Json& Json::at(size_t index) { return const_cast<Json&>(std::as_const(*this).at(index)); }

void Json::push_back(Json item) {
  if (is_null()) set(array_t());
  as_array().push_back(std::move(item));
}

Json::const_iterator Json::begin() const {
  if (is_null()) return {};
  return is_object() ? const_iterator(as_object().data()) : const_iterator(as_array().data());
}

Json::const_iterator Json::end() const {
  if (is_object()) return const_iterator(as_object().data() + size());
  return is_array() ? const_iterator(as_array().data() + size()) : const_iterator();
}

Json::iterator Json::begin() {
  if (is_null()) return {};
  return is_object() ? iterator(as_object().data()) : iterator(as_array().data());
}

Json::iterator Json::end() {
  if (is_object()) return iterator(as_object().data() + size());
  return is_array() ? iterator(as_array().data() + size()) : iterator();
}

const Json::object_t& Json::items() const {
  static const object_t nothing;
  return is_null() ? nothing : as_object();
}

bool Json::equal(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_number_float() || b.is_number_float()) return a.as_real() == b.as_real();
    if (a.kind_ == b.kind_) return a.held_.unsigned_integer == b.held_.unsigned_integer;
    const Json& is_signed = a.kind_ == Kind::integer ? a : b;
    return is_signed.held_.integer >= 0 && a.held_.unsigned_integer == b.held_.unsigned_integer;
  }
  if (a.kind_ != b.kind_) return false;
  switch (a.kind_) {
    case Kind::boolean: return a.held_.boolean == b.held_.boolean;
    case Kind::string: return *a.held_.string == *b.held_.string;
    case Kind::array: return *a.held_.array == *b.held_.array;
    case Kind::object:
      return a.size() == b.size() &&
             std::all_of(a.held_.object->begin(), a.held_.object->end(), [&](const member_t& member) {
               const Json* other = b.member(member.first);
               return other && *other == member.second;
             });
    default: return true;
  }
}

std::ostream& operator<<(std::ostream& out, const Json& value) { return out << dump_json(value); }

}  // namespace imago
