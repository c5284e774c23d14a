// Foreign text in error messages.
#pragma once

#include <string>
#include <string_view>

namespace imago {

// The text in double quotes with its control characters escaped, cut to what a person reads: a hostile file may call a
// tensor by a name of many megabytes.
std::string quote(std::string_view text);

}  // namespace imago
