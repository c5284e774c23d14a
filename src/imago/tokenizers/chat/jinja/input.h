// The caller's JSON as values of the template language.
#pragma once

#include <string_view>

#include "imago/base/json.h"
#include "imago/tokenizers/chat/jinja/value.h"

namespace imago::chat::jinja {

// `from_user`: its strings are the caller's data. Throws Failure for text that is not UTF-8 and for values nested too
// deeply.
Value from_json(const Json& json, bool from_user);

// A variable of the template; of "messages" the usual roles are trusted.
Value variable_from_json(std::string_view name, const Json& json);

}  // namespace imago::chat::jinja
