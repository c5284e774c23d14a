#include "imago/pipelines/option_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {

const Json* OptionReader::take(const char* name) {
  asked_.emplace_back(name);
  const auto found = options_.find(name);
  return found == options_.end() || found->is_null() ? nullptr : &*found;
}

void OptionReader::wrong_type(const char* name, const char* expected) const {
  throw Error(ErrorKind::kInvalidArgument, task_,
              fmt::format("{} is {}, expected {}", name, dump_json(options_.at(name)), expected));
}

std::optional<bool> OptionReader::boolean(const char* name) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) wrong_type(name, "true or false");
  return value->get<bool>();
}

std::optional<int64_t> OptionReader::integer(const char* name) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) wrong_type(name, "an integer");
  return value->get<int64_t>();
}

std::optional<double> OptionReader::number(const char* name) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) wrong_type(name, "a number");
  return value->get<double>();
}

std::optional<std::vector<double>> OptionReader::numbers(const char* name) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return std::vector<double>{value->get<double>()};
  const auto is_number = [](const Json& item) { return item.is_number(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_number))
    wrong_type(name, "a number or a list of numbers");
  return value->get<std::vector<double>>();
}

std::optional<std::string> OptionReader::text(const char* name) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) wrong_type(name, "a text");
  return value->get<std::string>();
}

std::optional<std::vector<std::string>> OptionReader::texts(const char* name) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return std::vector<std::string>{value->get<std::string>()};
  const auto is_string = [](const Json& item) { return item.is_string(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_string))
    wrong_type(name, "a text or a list of texts");
  return value->get<std::vector<std::string>>();
}

bool OptionReader::is_set(const char* name) {
  asked_.emplace_back(name);
  return options_.contains(name);
}

std::optional<std::variant<bool, std::string>> OptionReader::boolean_or_text(const char* name) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  if (!value->is_string()) wrong_type(name, "true, false or a text");
  return value->get<std::string>();
}

int64_t OptionReader::integer_from(const char* name, int64_t minimum, int64_t default_value) {
  const int64_t value = integer(name).value_or(default_value);
  if (value < minimum) {
    throw Error(ErrorKind::kInvalidArgument, task_,
                fmt::format("{} is {}, expected at least {}", name, value, minimum));
  }
  return value;
}

Json OptionReader::rest() const {
  Json rest = Json::object();
  for (const auto& [name, value] : options_.items()) {
    if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) rest[name] = value;
  }
  return rest;
}

void OptionReader::finish() const {
  const Json unknown = rest();
  if (unknown.empty()) return;
  throw Error(ErrorKind::kInvalidArgument, task_, fmt::format("unknown option \"{}\"", unknown.begin().key()),
              fmt::format("it takes {}", fmt::join(asked_, ", ")));
}

}  // namespace imago
