// The methods of str, list, tuple and dict.
#pragma once

#include <optional>
#include <string_view>

#include "imago/tokenizers/chat/jinja/objects.h"

namespace imago::chat::jinja {

// The method bound to the value; nullopt where its type has none of that name.
std::optional<Value> find_method(const Value& object, std::string_view name);
// Whether the name is that of a method that would change a list or a dict, which the sandbox refuses.
bool is_mutator(const Value& object, std::string_view name);

using Method = Value (*)(Interpreter& interpreter, const Value& self, Arguments arguments);
struct NamedMethod {
  std::string_view name;
  Method method;
};

Method find_string_method(std::string_view name);
Method find_list_method(std::string_view name, bool tuple);
Method find_dict_method(std::string_view name);

// str.strip and its kin: which sides, and of which characters (None: white space).
enum class Sides { kBoth, kLeft, kRight };
Value strip(const Value& string, const Value& characters, Sides sides);
// str.splitlines.
std::vector<Value> split_lines(const String& string, bool keep_ends);
Value replace(const Value& string, const Value& from, const Value& to, int64_t count);
Value join(const Value& separator, const std::vector<Value>& parts);
Value split(const Value& string, const Value& separator, int64_t max_splits, bool from_right);
// The string with other bytes, and provenance as far as it can be kept.
Value remade(const Value& string, std::string bytes);

}  // namespace imago::chat::jinja
