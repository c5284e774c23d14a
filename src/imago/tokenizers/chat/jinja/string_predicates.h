// The methods of str that ask what its characters are.
#pragma once

#include "imago/tokenizers/chat/jinja/methods.h"

namespace imago::chat::jinja {

Method find_string_predicate(std::string_view name);  // null where there is none of that name

bool is_lower_text(std::string_view text);  // str.islower
bool is_upper_text(std::string_view text);  // str.isupper

}  // namespace imago::chat::jinja
