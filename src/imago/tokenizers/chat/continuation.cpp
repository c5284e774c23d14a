#include "imago/tokenizers/chat/continuation.h"
#include "imago/base/json.h"

#include <algorithm>
#include <string_view>

namespace imago::chat {
namespace {

constexpr std::string_view kMark = "CONTINUE_FINAL_MESSAGE_TAG ";
constexpr std::string_view kReasoningFields[] = {"reasoning_content", "thinking", "reasoning"};

[[noreturn]] void refuse(std::string_view what, std::string_view hint = {}) {
  throw Error(ErrorKind::kInvalidArgument, "apply_chat_template", what, hint);
}

Json with_reasoning(const Json& message) {
  const Json* reasoning = nullptr;
  for (std::string_view field : kReasoningFields) {
    auto found = message.find(field);
    if (reasoning == nullptr && found != message.end()) reasoning = &*found;
  }
  if (reasoning == nullptr) return message;
  // "thinking" comes first where it is new, and "reasoning_content" last: the reference's order of keys.
  Json result = Json::object();
  if (!message.contains("thinking")) result["thinking"] = *reasoning;
  for (const auto& [key, value] : message.items()) result[key] = value;
  result["reasoning_content"] = *reasoning;
  return result;
}

Json prepare_message(const Json& message) {
  if (!message.is_object()) refuse("a message is not a JSON object");
  Json kept = Json::object();
  for (const auto& [key, value] : message.items()) {
    if (!value.is_null()) kept[key] = value;
  }
  return with_reasoning(kept);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

void cut_spans(std::vector<ByteRange>& spans, size_t size) {
  std::erase_if(spans, [&](const ByteRange& span) { return span.begin >= size; });
  for (ByteRange& span : spans) span.end = std::min(span.end, size);
}

}  // namespace

Json prepare_request(const Json& request) {
  if (!request.is_object() || !request.contains("messages")) refuse("the request has no \"messages\"");
  const Json& messages = request["messages"];
  if (!messages.is_array() || messages.empty()) refuse("\"messages\" must be a list of at least one message");
  Json result = Json::object();
  result["messages"] = Json::array();
  for (const Json& message : messages) result["messages"].push_back(prepare_message(message));
  for (const char* name : {"tools", "documents"}) {
    const Json& value = request.contains(name) ? request[name] : (result[name] = nullptr);
    if (!value.is_null() && !value.is_array()) refuse(std::string("\"") + name + "\" is not a list");
    if (value.is_array() && !std::all_of(value.begin(), value.end(), [](const Json& x) { return x.is_object(); })) {
      refuse(std::string("\"") + name + "\" holds something that is not a JSON object");
    }
  }
  result["add_generation_prompt"] = false;
  for (const auto& [name, value] : request.items()) {
    if (name != "messages") result[name] = value;
  }
  return result;
}

Continuation::Continuation(Json& request, const std::string& field, const std::string& source) {
  if (request["add_generation_prompt"] == true) {
    refuse("continue_final_message and add_generation_prompt exclude each other");
  }
  Json& message = request["messages"].back();
  auto found = message.find(field);
  if (found == message.end()) refuse("the final message has no \"" + field + "\" to continue");
  std::vector<std::string> fields{field};
  if (std::find(std::begin(kReasoningFields), std::end(kReasoningFields), field) != std::end(kReasoningFields)) {
    fields.clear();
    for (std::string_view name : kReasoningFields) {
      if (message.contains(name) && message[std::string(name)] == *found) fields.emplace_back(name);
    }
  }
  bool read =
      std::any_of(fields.begin(), fields.end(), [&](const auto& f) { return source.find(f) != std::string::npos; });
  if (!read) refuse("the chat template does not read \"" + field + "\", which is to be continued");
  auto mark = [&](Json& text) {
    if (!text.is_string()) refuse("the field \"" + field + "\" to continue is not a text");
    final_text_ = text.get<std::string>();
    text = final_text_ + std::string(kMark);
  };
  if (!found->is_array()) {
    Json text = *found;
    mark(text);
    for (const std::string& name : fields) message[name] = text;
    return;
  }
  auto& parts = found->as_array();
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->is_object() && part->contains("text")) {
      mark((*part)["text"]);
      return;
    }
  }
  refuse("the final message has no text to continue");
}

RenderedChat Continuation::cut(RenderedChat rendered) const {
  size_t place = rendered.text.rfind(trimmed(kMark));
  if (place == std::string::npos || rendered.text.find(trimmed(final_text_)) == std::string::npos) {
    refuse("the final message does not appear in the prompt", "the chat template may drop or change it");
  }
  bool spaces_kept = std::string_view(rendered.text).substr(place).starts_with(kMark);
  rendered.text.resize(place);
  // Where the template trims the message, it would have trimmed the space before the mark as well.
  if (!spaces_kept) {
    while (!rendered.text.empty() && std::isspace(static_cast<unsigned char>(rendered.text.back())) != 0) {
      rendered.text.pop_back();
    }
  }
  cut_spans(rendered.user, rendered.text.size());
  cut_spans(rendered.generation, rendered.text.size());
  return rendered;
}

}  // namespace imago::chat
