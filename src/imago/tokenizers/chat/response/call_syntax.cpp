#include "imago/tokenizers/chat/response/call_syntax.h"

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/response/layout.h"

namespace imago::chat {
namespace {

using Calls = std::optional<std::vector<ToolCall>>;

std::optional<Json> try_parse(std::string_view text) {
  try {
    return parse_json(text, "tool call");
  } catch (const Error&) {
    return std::nullopt;  // a model may write anything
  }
}

// Takes the text up to `end` off the front, and `end` with it.
std::optional<std::string_view> take_until(std::string_view& rest, std::string_view end) {
  size_t place = rest.find(end);
  if (place == std::string_view::npos) return std::nullopt;
  std::string_view taken = rest.substr(0, place);
  rest.remove_prefix(place + end.size());
  return taken;
}

bool take(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

std::string text_of(const Json& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    auto found = object.find(name);
    if (found == object.end()) continue;
    return found->is_string() ? found->get<std::string>() : dump_json(*found);
  }
  return "";
}

std::optional<ToolCall> call_from_json(const Json& call) {
  if (!call.is_object()) return std::nullopt;
  const Json& function = call.contains("function") && call["function"].is_object() ? call["function"] : call;
  ToolCall result{text_of(function, {"name", "tool_name"}), "{}", text_of(call, {"id", "tool_call_id"})};
  if (result.name.empty()) {  // {"add": {"a": 1}}
    if (call.size() != 1 || !call.begin()->is_object()) return std::nullopt;
    return ToolCall{call.begin().key(), dump_json(*call.begin()), ""};
  }
  for (const char* name : {"arguments", "parameters"}) {
    auto found = function.find(name);
    if (found == function.end()) continue;
    std::optional<Json> arguments = found->is_string() ? try_parse(found->as_string()) : std::optional<Json>(*found);
    if (!arguments || !arguments->is_object()) return std::nullopt;
    result.arguments = dump_json(*arguments);
    return result;
  }
  return result;
}

// The type that the tool's schema gives an argument; null where it tells nothing.
const Json* schema_type(const Json* tools, std::string_view tool, std::string_view argument) {
  if (tools == nullptr || !tools->is_array()) return nullptr;
  for (const Json& entry : *tools) {
    const Json& function = entry.is_object() && entry.contains("function") ? entry["function"] : entry;
    if (!function.is_object() || text_of(function, {"name"}) != tool) continue;
    const auto parameters = function.find("parameters");
    if (parameters == function.end() || !parameters->is_object()) return nullptr;
    const auto properties = parameters->find("properties");
    if (properties == parameters->end() || !properties->is_object()) return nullptr;
    const auto property = properties->find(argument);
    bool typed = property != properties->end() && property->is_object() && property->contains("type");
    return typed ? &(*property)["type"] : nullptr;
  }
  return nullptr;
}

// An argument that is written as it is if it is a string, and as JSON or as Python prints it otherwise.
Json typed_value(std::string_view text, const Json* type) {
  bool string = type != nullptr && *type == "string";
  if (string) return std::string(text);
  if (std::optional<Json> value = try_parse(text); value && !value->is_string()) return *value;
  if (type != nullptr) {
    if (text == "True" || text == "False") return text == "True";
    if (text == "None") return nullptr;
  }
  return std::string(text);
}

// One newline after the opening tag and one before the closing tag belong to the layout.
std::string_view without_newlines(std::string_view value) {
  if (value.starts_with('\n')) value.remove_prefix(1);
  if (value.ends_with('\n')) value.remove_suffix(1);
  return value;
}

// <function=add><parameter=a>1</parameter></function>, once or more
Calls parse_function_tags(std::string_view body, const Json* tools) {
  std::vector<ToolCall> calls;
  for (body = trim(body); !body.empty(); body = trim(body)) {
    if (!take(body, "<function=")) return std::nullopt;
    std::optional<std::string_view> name = take_until(body, ">");
    if (!name) return std::nullopt;
    Json arguments = Json::object();
    for (body = trim(body); take(body, "<parameter="); body = trim(body)) {
      std::optional<std::string_view> key = take_until(body, ">");
      std::optional<std::string_view> value = key ? take_until(body, "</parameter>") : std::nullopt;
      if (!value) return std::nullopt;
      arguments[std::string(*key)] = typed_value(without_newlines(*value), schema_type(tools, *name, *key));
    }
    take(body, "</function>");
    calls.push_back({std::string(trim(*name)), dump_json(arguments), ""});
  }
  return calls;
}

// add<arg_key>a</arg_key><arg_value>1</arg_value>
Calls parse_argument_tags(std::string_view body, const Json* tools) {
  std::string_view name = trim(body.substr(0, body.find("<arg_key>")));
  if (name.empty() || name.find_first_of("<>{}\n") != std::string_view::npos) return std::nullopt;
  Json arguments = Json::object();
  while (std::optional<std::string_view> before = take_until(body, "<arg_key>")) {
    std::optional<std::string_view> key = take_until(body, "</arg_key>");
    if (!key || !take_until(body, "<arg_value>")) return std::nullopt;
    std::optional<std::string_view> value = take_until(body, "</arg_value>");
    if (!value) return std::nullopt;
    arguments[std::string(trim(*key))] = typed_value(*value, schema_type(tools, name, trim(*key)));
  }
  return std::vector<ToolCall>{{std::string(name), dump_json(arguments), ""}};
}

Calls parse_tagged(std::string_view body, const Json* tools) {
  std::string_view text = trim(body);
  if (text.starts_with('{') || text.starts_with('[')) return parse_json_calls(text);
  if (text.starts_with("<function=")) return parse_function_tags(text, tools);
  return parse_argument_tags(text, tools);
}

Calls one(std::optional<ToolCall> call) {
  if (!call) return std::nullopt;
  return std::vector<ToolCall>{std::move(*call)};
}

Calls parse_mistral(std::string_view body) {
  body = trim(body);
  if (body.starts_with('[') || body.starts_with('{')) return parse_json_calls(body);
  std::optional<std::string_view> head = take_until(body, "[ARGS]");
  if (!head) return std::nullopt;
  std::string_view id = *head;
  std::optional<std::string_view> name = take_until(id, "[CALL_ID]");
  return one(make_call(name ? *name : *head, body, name ? id : std::string_view()));
}

// Strips ```json fences.
std::string_view unfenced(std::string_view text) {
  text = trim(text);
  if (take(text, "```json") || take(text, "```")) {
    text = trim(text);
    if (text.ends_with("```")) text.remove_suffix(3);
  }
  return trim(text);
}

Calls parse_deepseek(std::string_view body) {
  std::vector<ToolCall> calls;
  while (take_until(body, "<｜tool▁call▁begin｜>")) {
    std::optional<std::string_view> head = take_until(body, "<｜tool▁sep｜>");
    if (!head) return std::nullopt;
    std::string_view text = body.substr(0, body.find("<｜tool▁call▁end｜>"));
    std::string_view name = *head, arguments = text;
    if (trim(*head) == "function") {  // function<｜tool▁sep｜>add\n```json\n{...}\n```
      size_t line = std::min(text.find('\n'), text.size());
      name = text.substr(0, line);
      arguments = unfenced(text.substr(line));
    }
    std::optional<ToolCall> call = make_call(name, arguments);
    if (!call) return std::nullopt;
    calls.push_back(std::move(*call));
  }
  if (calls.empty()) return std::nullopt;
  return calls;
}

// The value of an attribute: name="value".
std::string_view attribute(std::string_view tag, std::string_view name) {
  size_t place = tag.find(std::string(name) + "=\"");
  if (place == std::string_view::npos) return {};
  tag.remove_prefix(place + name.size() + 2);
  return tag.substr(0, tag.find('"'));
}

// Also with a prefix before every tag name, as DeepSeek V3.2 writes it.
Calls parse_invocations(std::string_view body, const Json* tools) {
  std::string prefix = body.find("<｜DSML｜invoke") != std::string_view::npos ? "｜DSML｜" : "";
  std::vector<ToolCall> calls;
  while (take_until(body, "<" + prefix + "invoke")) {
    std::optional<std::string_view> tag = take_until(body, ">");
    std::optional<std::string_view> inside = tag ? take_until(body, "</" + prefix + "invoke>") : std::nullopt;
    if (!inside) return std::nullopt;
    std::string_view name = attribute(*tag, "name");
    Json arguments = Json::object();
    while (take_until(*inside, "<" + prefix + "parameter")) {
      std::optional<std::string_view> parameter = take_until(*inside, ">");
      std::optional<std::string_view> value =
          parameter ? take_until(*inside, "</" + prefix + "parameter>") : std::nullopt;
      if (!value) return std::nullopt;
      std::string_view key = attribute(*parameter, "name"), string = attribute(*parameter, "string");
      static const Json kString = "string";
      const Json* type = string == "true" ? &kString : schema_type(tools, name, key);
      arguments[std::string(key)] = typed_value(string.empty() ? without_newlines(*value) : *value, type);
    }
    if (name.empty()) return std::nullopt;
    calls.push_back({std::string(name), dump_json(arguments), ""});
  }
  if (calls.empty()) return std::nullopt;
  return calls;
}

Calls parse_kimi(std::string_view body) {
  std::vector<ToolCall> calls;
  while (take_until(body, "<|tool_call_begin|>")) {
    std::optional<std::string_view> id = take_until(body, "<|tool_call_argument_begin|>");
    if (!id) return std::nullopt;
    std::string_view arguments = body.substr(0, body.find("<|tool_call_end|>"));
    std::string_view name = trim(*id);
    take(name, "functions.");
    std::optional<ToolCall> call = make_call(name.substr(0, name.rfind(':')), arguments, trim(*id));
    if (!call) return std::nullopt;
    calls.push_back(std::move(*call));
  }
  if (calls.empty()) return std::nullopt;
  return calls;
}

// <server_name>s</server_name><tool_name>add</tool_name><arguments>{"a": 1}</arguments>, once or more. The template
// makes the server's name up from that of the tool, so that it tells nothing.
Calls parse_mcp(std::string_view body) {
  std::vector<ToolCall> calls;
  while (take_until(body, "<tool_name>")) {
    std::optional<std::string_view> name = take_until(body, "</tool_name>");
    if (!name || !take_until(body, "<arguments>")) return std::nullopt;
    std::optional<std::string_view> arguments = take_until(body, "</arguments>");
    std::optional<ToolCall> call = arguments ? make_call(*name, *arguments) : std::nullopt;
    if (!call) return std::nullopt;
    calls.push_back(std::move(*call));
  }
  if (calls.empty()) return std::nullopt;
  return calls;
}

Calls parse_python_tag(std::string_view body) {
  body = trim(body);
  if (body.starts_with('{') || body.starts_with('[')) {
    if (Calls calls = parse_json_calls(body)) return calls;
  }
  if (body.substr(0, body.find('(')).ends_with(".call")) {
    if (Calls calls = parse_pythonic_calls(body)) return calls;
  }
  Json arguments = Json::object();
  arguments["code"] = std::string(body);
  return std::vector<ToolCall>{{"python", dump_json(arguments), ""}};
}

}  // namespace

std::optional<ToolCall> make_call(std::string_view name, std::string_view arguments, std::string_view id) {
  std::string_view text = trim(arguments);
  std::optional<Json> value = text.empty() ? std::optional<Json>(Json::object()) : try_parse(text);
  if (value && value->is_string()) value = try_parse(value->get<std::string>());
  if (!value || !value->is_object() || trim(name).empty()) return std::nullopt;
  return ToolCall{std::string(trim(name)), dump_json(*value), std::string(trim(id))};
}

std::optional<std::vector<ToolCall>> parse_json_calls(std::string_view body) {
  std::optional<Json> document = try_parse(trim(body));
  if (!document) return std::nullopt;
  if (!document->is_array()) return one(call_from_json(*document));
  std::vector<ToolCall> calls;
  for (const Json& entry : *document) {
    std::optional<ToolCall> call = call_from_json(entry);
    if (!call) return std::nullopt;
    calls.push_back(std::move(*call));
  }
  return calls;
}

std::optional<std::vector<ToolCall>> parse_calls(CallSyntax syntax, std::string_view body, const Json* tools) {
  if (!is_valid_utf8(body)) return std::nullopt;
  switch (syntax) {
    case CallSyntax::kJson: return parse_json_calls(unfenced(body));
    case CallSyntax::kTagged: return parse_tagged(body, tools);
    case CallSyntax::kMistral: return parse_mistral(body);
    case CallSyntax::kDeepSeek: return parse_deepseek(body);
    case CallSyntax::kInvoke: return parse_invocations(body, tools);
    case CallSyntax::kKimi: return parse_kimi(body);
    case CallSyntax::kGemma: return parse_gemma_calls(body);
    case CallSyntax::kPythonic: return parse_pythonic_calls(body);
    case CallSyntax::kPythonTag: return parse_python_tag(body);
    case CallSyntax::kMcp: return parse_mcp(body);
    case CallSyntax::kFunctionTag: break;
  }
  std::optional<std::string_view> name = take_until(body, ">");
  return name ? one(make_call(*name, body)) : std::nullopt;
}

}  // namespace imago::chat
