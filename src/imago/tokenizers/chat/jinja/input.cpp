#include "imago/tokenizers/chat/jinja/input.h"

#include <algorithm>

#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/failure.h"

namespace imago::chat::jinja {
namespace {

Value text_from_json(const std::string& text, bool from_user) {
  if (!is_valid_utf8(text)) fail("UnicodeDecodeError", "a text of the request is not UTF-8");
  return Value(Text(text, from_user));
}

bool is_usual_role(const std::string& role) {
  static constexpr std::string_view kRoles[] = {"user",     "assistant", "system", "developer",    "tool",
                                                "function", "ipython",   "model",  "tool_response"};
  return std::find(std::begin(kRoles), std::end(kRoles), role) != std::end(kRoles);
}

Value message_from_json(const Json& message) {
  if (!message.is_object()) return from_json(message, true);
  auto dict = std::make_shared<Dict>();
  for (const auto& [key, value] : message.as_object()) {
    bool trusted = key == "role" && value.is_string() && is_usual_role(value.as_string());
    dict->set(text_from_json(key, true), from_json(value, !trusted));
  }
  return std::shared_ptr<const Dict>(std::move(dict));
}

}  // namespace

Value from_json(const Json& json, bool from_user) {
  switch (json.kind()) {
    case Json::Kind::null: return {};
    case Json::Kind::boolean: return json.get<bool>();
    case Json::Kind::integer: return json.get<int64_t>();
    case Json::Kind::real: return json.get<double>();
    case Json::Kind::string: return text_from_json(json.as_string(), from_user);
    case Json::Kind::unsigned_integer: return Value::from_unsigned(json.get<uint64_t>());
    case Json::Kind::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(item, from_user));
      return Value::list(std::move(items));
    }
    case Json::Kind::object: {
      auto dict = std::make_shared<Dict>();
      for (const auto& [key, value] : json.as_object()) {
        dict->set(text_from_json(key, from_user), from_json(value, from_user));
      }
      return std::shared_ptr<const Dict>(std::move(dict));
    }
  }
  return {};
}

Value variable_from_json(std::string_view name, const Json& json) {
  if (name == "messages" && json.is_array()) {
    std::vector<Value> messages;
    for (const Json& message : json) messages.push_back(message_from_json(message));
    return Value::list(std::move(messages));
  }
  return from_json(json, !name.ends_with("_token") && !name.ends_with("_tokens"));
}

}  // namespace imago::chat::jinja
