#include "imago/tokenizers/stage_json.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"

namespace imago::tokenizers {
namespace {

constexpr int kMaxNesting = 32;
thread_local int nesting = 0;

bool is_size(const Json& json) {
  return json.is_number_integer() && (json.is_number_unsigned() || json.get<int64_t>() >= 0);
}

}  // namespace

StageJson::StageJson(const Json& json, std::string_view kind) : json_(json), where_(kind) {
  if (!json.is_object()) fail("not an object");
  const auto type = json.find("type");
  if (type == json.end() || !type->is_string()) fail("the member 'type' is missing");
  type_ = type->get<std::string>();
  where_ += " " + type_;
  read_.push_back("type");
}

void StageJson::fail(std::string_view what) const { throw Error(ErrorKind::kInvalidFile, where_, what); }

const Json* StageJson::find(std::string_view name) {
  read_.emplace_back(name);
  const auto found = json_.find(name);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

bool StageJson::has(std::string_view name) const { return json_.find(name) != json_.end(); }

const Json& StageJson::member(std::string_view name, std::string_view kind) {
  const Json* json = find(name);
  if (json == nullptr) fail("the member '" + std::string(name) + "' is missing");
  const bool right = kind == "boolean"  ? json->is_boolean()
                     : kind == "size"   ? is_size(*json)
                     : kind == "string" ? json->is_string()
                     : kind == "array"  ? json->is_array()
                                        : json->is_object();
  if (!right) fail("the member '" + std::string(name) + "' is no " + std::string(kind));
  return *json;
}

bool StageJson::boolean(std::string_view name) { return member(name, "boolean").get<bool>(); }
bool StageJson::boolean(std::string_view name, bool absent) { return find(name) ? boolean(name) : absent; }
std::optional<bool> StageJson::optional_boolean(std::string_view name) {
  return find(name) ? std::optional(boolean(name)) : std::nullopt;
}
size_t StageJson::size(std::string_view name) { return member(name, "size").get<size_t>(); }
size_t StageJson::size(std::string_view name, size_t absent) { return find(name) ? size(name) : absent; }
const std::string& StageJson::string(std::string_view name) { return member(name, "string").as_string(); }
std::vector<const Json*> StageJson::elements(std::string_view name) {
  std::vector<const Json*> elements;
  for (const Json& element : member(name, "array")) elements.push_back(&element);
  return elements;
}
const Json& StageJson::object(std::string_view name) { return member(name, "object"); }

char32_t StageJson::character(std::string_view name) {
  const std::string& text = string(name);
  if (!text.empty()) {
    const DecodedCharacter character = decode_utf8(text);
    if (static_cast<size_t>(character.size) == text.size()) return character.code_point;
  }
  fail("the member '" + std::string(name) + "' is not one character");
}

int32_t to_token_id(const Json& json, std::string_view where) {
  if (!is_size(json) || json.get<uint64_t>() > INT32_MAX) {
    throw Error(ErrorKind::kInvalidFile, where, "a token id is not a number that fits 31 bits");
  }
  return static_cast<int32_t>(json.get<uint64_t>());
}

int32_t StageJson::token_id(std::string_view name) {
  const Json* json = find(name);
  if (json == nullptr) fail("the member '" + std::string(name) + "' is missing");
  return to_token_id(*json, where_);
}

void StageJson::done() const {
  for (const auto& [name, value] : json_.items()) {
    if (std::find(read_.begin(), read_.end(), name) == read_.end()) {
      throw Error(ErrorKind::kUnsupported, where_, "the member '" + name + "' is unknown",
                  "it may come from a newer version of the format");
    }
  }
}

NestingGuard::NestingGuard(std::string_view where) {
  if (nesting >= kMaxNesting) throw Error(ErrorKind::kLimitExceeded, where, "sequences are nested deeper than 32");
  ++nesting;
}
NestingGuard::~NestingGuard() { --nesting; }

}  // namespace imago::tokenizers
