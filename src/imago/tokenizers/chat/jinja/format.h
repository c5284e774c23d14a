// Python's two ways to format text: "..." % values and "...".format(...).
#pragma once

#include "imago/tokenizers/chat/jinja/objects.h"

namespace imago::chat::jinja {

Value format_printf(const Value& format, const Value& arguments);
Value format_braces(const Value& format, const Arguments& arguments);
// format(value, specification), for the str.format fields.
Text format_value(const Value& value, std::string_view specification);
// A float in the form of C's printf ('e', 'f', 'g' and their capitals), bounded.
std::string format_float(double value, char form, int precision, bool alternate = false);

}  // namespace imago::chat::jinja
