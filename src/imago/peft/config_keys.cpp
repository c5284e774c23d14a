#include "imago/peft/config_keys.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"

namespace imago::peft {
namespace {

[[noreturn]] void refuse(std::string_view where, std::string_view what, const Json& value, const char* wanted) {
  throw Error(ErrorKind::kInvalidFile, where, fmt::format("{} is {}, not {}", what, quote(dump_json(value)), wanted));
}

}  // namespace

Json take(Json& keys, const char* key) {
  if (!keys.contains(key)) return {};
  Json value = keys.at(key);
  keys.erase(key);
  return value;
}

bool take_bool(Json& keys, const char* key, bool otherwise, std::string_view where) {
  const Json value = take(keys, key);
  if (value.is_null()) return otherwise;
  if (!value.is_boolean()) refuse(where, key, value, "true or false");
  return value.get<bool>();
}

double take_number(Json& keys, const char* key, double otherwise, std::string_view where) {
  const Json value = take(keys, key);
  if (value.is_null()) return otherwise;
  if (!value.is_number()) refuse(where, key, value, "a number");
  return value.get<double>();
}

std::optional<std::string> take_optional_text(Json& keys, const char* key, std::string_view where) {
  const Json value = take(keys, key);
  if (value.is_null()) return std::nullopt;
  if (!value.is_string()) refuse(where, key, value, "text");
  return value.get<std::string>();
}

std::vector<std::string> texts_of(const Json& list, std::string_view what, std::string_view where) {
  if (!list.is_array()) refuse(where, what, list, "a list of names");
  std::vector<std::string> texts;
  for (const Json& item : list) {
    if (!item.is_string() || item.get<std::string>().empty()) refuse(where, what, list, "a list of names");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::vector<std::string> take_texts(Json& keys, const char* key, std::string_view where) {
  const Json value = take(keys, key);
  if (value.is_null()) return {};
  if (value.is_string()) return {value.get<std::string>()};
  return texts_of(value, key, where);
}

std::map<std::string, double> take_numbers(Json& keys, const char* key, std::string_view where) {
  const Json value = take(keys, key);
  std::map<std::string, double> numbers;
  if (value.is_null()) return numbers;
  if (!value.is_object()) refuse(where, key, value, "an object of numbers");
  for (const auto& [name, number] : value.items()) {
    if (!number.is_number()) refuse(where, key, value, "an object of numbers");
    numbers[name] = number.get<double>();
  }
  return numbers;
}

void expect_unset(Json& keys, const char* key, std::string_view where) {
  const Json value = take(keys, key);
  const bool empty = (value.is_array() || value.is_object()) && value.size() == 0;
  if (value.is_null() || empty || (value.is_boolean() && !value.get<bool>())) return;
  throw Error(ErrorKind::kUnsupported, where, fmt::format("{} is {}", key, quote(dump_json(value))),
              "this variant of adapters is not supported");
}

}  // namespace imago::peft
