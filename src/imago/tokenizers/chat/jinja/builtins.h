// The filters, tests and functions that every template has.
#pragma once

#include <optional>
#include <string>

#include "imago/tokenizers/chat/jinja/objects.h"

namespace imago::chat::jinja {

using Filter = Value (*)(Interpreter& interpreter, const Value& value, Arguments arguments);
using Test = bool (*)(Interpreter& interpreter, const Value& value, Arguments arguments);

struct NamedFilter {
  std::string_view name;
  Filter filter;
};

// Throws for a name that does not exist, or that Imago refuses.
Filter find_filter(const std::string& name);
Test find_test(const std::string& name);
bool filter_exists(std::string_view name);  // in the reference
bool test_exists(std::string_view name);

// A function or value that is there without being given: range, dict, namespace, raise_exception, ...
std::optional<Value> find_global(const std::string& name);

// The two halves of the filters: null where there is none of that name.
Filter find_text_filter(std::string_view name);
Filter find_sequence_filter(std::string_view name);
Filter find_selection_filter(std::string_view name);

// Gets attribute "a.b.0" of each item, as the filters' `attribute` argument asks for. `fallback` replaces undefined.
Value dotted_attribute(const Value& item, const Value& attribute, const Value& fallback);
Value lower_case(const Value& value);  // of a string; other values stay

}  // namespace imago::chat::jinja
