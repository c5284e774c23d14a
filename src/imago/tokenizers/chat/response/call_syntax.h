// Reads the inside of a section of calls.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "imago/tokenizers/chat/response/response.h"

namespace imago::chat {

// nullopt where the text is not in that syntax.
std::optional<std::vector<ToolCall>> parse_calls(CallSyntax syntax, std::string_view body, const Json* tools);

// Calls as a JSON document has them.
std::optional<std::vector<ToolCall>> parse_json_calls(std::string_view body);

// One call whose arguments are this JSON object.
std::optional<ToolCall> make_call(std::string_view name, std::string_view arguments, std::string_view id = {});

// [add(a=1)] or add.call(a=1).
std::optional<std::vector<ToolCall>> parse_pythonic_calls(std::string_view body);
// call:add{a:1,b:<|"|>text<|"|>}
std::optional<std::vector<ToolCall>> parse_gemma_calls(std::string_view body);

}  // namespace imago::chat
