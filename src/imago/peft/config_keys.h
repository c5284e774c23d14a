// Taking keys out of adapter_config.json: what is left over at the end is unknown, and refused.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"

namespace imago::peft {

// Removes the key and gives its value; null where there is none.
Json take(Json& keys, const char* key);

// The same as a type. Throw Error kInvalidFile for a value of another type.
bool take_bool(Json& keys, const char* key, bool otherwise, std::string_view where);
double take_number(Json& keys, const char* key, double otherwise, std::string_view where);
std::optional<std::string> take_optional_text(Json& keys, const char* key, std::string_view where);
std::vector<std::string> take_texts(Json& keys, const char* key, std::string_view where);
std::map<std::string, double> take_numbers(Json& keys, const char* key, std::string_view where);  // an object of them

// A list of texts. Throws Error kInvalidFile saying `what` is none.
std::vector<std::string> texts_of(const Json& list, std::string_view what, std::string_view where);

// Removes a key that must say nothing: be absent, null, false or empty. Throws Error kUnsupported naming key and value.
void expect_unset(Json& keys, const char* key, std::string_view where);

}  // namespace imago::peft
