// str() and repr() of values as Python writes them.
#include <cstdio>

#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/characters.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/value.h"

namespace imago::chat::jinja {
namespace {

void append_escaped(Text& out, char32_t c, bool from_user) {
  char buffer[16];
  const char* form = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
  int size = std::snprintf(buffer, sizeof(buffer), form, static_cast<unsigned>(c));
  out.append(std::string_view(buffer, static_cast<size_t>(size)), from_user);
}

void append_string_repr(Text& out, const String& string) {
  const std::string& bytes = string.bytes();
  bool from_user = string.text().has_user();
  char quote = bytes.find('\'') != std::string::npos && bytes.find('"') == std::string::npos ? '"' : '\'';
  if (string.safe()) out.append("Markup(");
  out.append(std::string(1, quote));
  for (std::string_view rest = bytes; !rest.empty();) {
    auto [c, size] = decode_utf8(rest);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out.append("\\" + std::string(1, static_cast<char>(c)), from_user);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out.append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t", from_user);
    } else if (is_printable(c)) {
      out.append(rest.substr(0, static_cast<size_t>(size)), from_user);
    } else {
      append_escaped(out, c, from_user);
    }
    rest.remove_prefix(static_cast<size_t>(size));
  }
  out.append(std::string(1, quote));
  if (string.safe()) out.append(")");
}

void append_repr(Text& out, const Value& value);

void append_sequence_repr(Text& out, const List& list) {
  out.append(list.tuple() ? "(" : "[");
  for (size_t i = 0; i < list.items().size(); ++i) {
    if (i > 0) out.append(", ");
    append_repr(out, list.items()[i]);
  }
  if (list.tuple() && list.items().size() == 1) out.append(",");
  out.append(list.tuple() ? ")" : "]");
}

void append_dict_repr(Text& out, const Dict& dict) {
  out.append("{");
  bool first = true;
  for (const auto& [key, item] : dict.items()) {
    if (!first) out.append(", ");
    first = false;
    append_repr(out, key);
    out.append(": ");
    append_repr(out, item);
  }
  out.append("}");
}

// Namespaces may hold each other in long chains that no value's depth knows of.
class Nesting {
 public:
  Nesting() {
    if (++depth_ > 1000) {
      --depth_;
      limit_exceeded("a value is nested too deeply to be printed");
    }
  }
  ~Nesting() { --depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  static thread_local int depth_;
};
thread_local int Nesting::depth_ = 0;

void append_repr(Text& out, const Value& value) {
  Nesting nesting;
  spend(1);
  require_memory(out.size());
  if (value.is_string()) return append_string_repr(out, value.as_string());
  if (value.is_sequence()) return append_sequence_repr(out, value.as_sequence());
  if (value.is_dict()) return append_dict_repr(out, value.as_dict());
  if (value.is_none()) return out.append("None");
  if (value.is_bool()) return out.append(value.as_bool() ? "True" : "False");
  if (value.is_int()) return out.append(std::to_string(value.as_integer()));
  if (value.is_large()) return out.append(std::to_string(value.as_large()));
  if (value.is_float()) return out.append(python_repr(value.as_double()));
  if (value.is_undefined()) return out.append("Undefined");
  out.append(value.as_object()->repr());
}

}  // namespace

Text repr(const Value& value) {
  Text out;
  append_repr(out, value);
  return out;
}

Text to_text(const Value& value) {
  if (value.is_string()) return value.as_string().text();
  if (value.is_undefined()) return {};
  return repr(value);
}

}  // namespace imago::chat::jinja
