// The operators of expressions, with Python's meaning and errors.
#pragma once

#include "imago/tokenizers/chat/jinja/ast.h"
#include "imago/tokenizers/chat/jinja/value.h"

namespace imago::chat::jinja {

Value binary(Operator operation, const Value& left, const Value& right);
Value unary(Operator operation, const Value& value);
bool compare(Operator operation, const Value& left, const Value& right);
bool contains(const Value& container, const Value& value);

// The bounds of a slice; an absent one is None.
struct Slice {
  Value start, stop, step;
};
Value slice(const Value& value, const Slice& bounds);

// obj[key] and obj.name as the sandbox has them: each falls back to the other, and a lookup that finds nothing gives
// undefined. `subscript` is for keys other than slices.
Value subscript(const Value& object, const Value& key);
Value attribute(const Value& object, std::string_view name);
// getattr(obj, name) alone, without the fallback to obj[name].
std::optional<Value> own_attribute(const Value& object, std::string_view name);

// What joining escapes when one of both is Markup.
Text escape_html(const Text& text);
// The text of `value` as it is put into Markup (`safe`) or into an ordinary str.
Text joined_text(const Value& value, bool safe);

Value add_strings(const Value& left, const Value& right);
Value repeat(const Value& sequence, int64_t count);

}  // namespace imago::chat::jinja
