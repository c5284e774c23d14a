#include "imago/tokenizers/legacy/class_options.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago::tokenizers {
namespace {

[[noreturn]] void wrong_kind(std::string_view name, std::string_view kind) {
  throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json", fmt::format("'{}' is no {}", name, kind));
}

}  // namespace

const Json* ClassOptions::find(std::string_view name) const {
  const auto found = config_.find(name);
  return found == config_.end() || found->is_null() ? nullptr : &*found;
}

bool ClassOptions::has(std::string_view name) const { return find(name) != nullptr; }

std::optional<bool> ClassOptions::optional_boolean(std::string_view name) const {
  const Json* member = find(name);
  if (member == nullptr) return std::nullopt;
  if (!member->is_boolean()) wrong_kind(name, "boolean");
  return member->get<bool>();
}

bool ClassOptions::boolean(std::string_view name, bool absent) const { return optional_boolean(name).value_or(absent); }

int64_t ClassOptions::integer(std::string_view name, int64_t absent) const {
  const Json* member = find(name);
  if (member == nullptr) return absent;
  if (!member->is_number_integer()) wrong_kind(name, "integer");
  return member->get<int64_t>();
}

std::string ClassOptions::text(std::string_view name, std::string_view absent) const {
  const Json* member = find(name);
  if (member == nullptr) return std::string(absent);
  if (!member->is_string()) wrong_kind(name, "text");
  return member->get<std::string>();
}

std::string ClassOptions::token(std::string_view name, std::string_view absent) const {
  const Json* member = find(name);
  if (member == nullptr || !member->is_object()) return text(name, absent);
  const auto content = member->find("content");
  if (content == member->end() || !content->is_string()) wrong_kind(name, "token");
  return content->get<std::string>();
}

}  // namespace imago::tokenizers
