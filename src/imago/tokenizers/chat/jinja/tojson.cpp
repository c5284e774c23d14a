#include "imago/tokenizers/chat/jinja/tojson.h"

#include <algorithm>

#include "imago/base/json.h"
#include "imago/tokenizers/chat/jinja/failure.h"

namespace imago::chat::jinja {
namespace {

struct Layout {
  bool ensure_ascii = false, sort_keys = false, on_lines = false;
  std::string indent;  // of one level
  Text item_separator{", "}, key_separator{": "};
};

class JsonWriter {
 public:
  explicit JsonWriter(Layout layout) : layout_(std::move(layout)) {}

  void write(const Value& value, size_t depth) {
    spend(1);
    require_memory(out_.size());
    if (value.is_string()) return write_string(value.as_string());
    if (value.is_sequence()) return write_array(value.as_sequence(), depth);
    if (value.is_dict()) return write_object(value.as_dict(), depth);
    if (value.is_undefined() || value.is_object()) {
      type_error("Object of type " + std::string(type_name(value)) + " is not JSON serializable");
    }
    out_.append(scalar(value));
  }

  Text take() { return std::move(out_); }

 private:
  static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (value.is_bool()) return value.as_bool() ? "true" : "false";
    if (value.is_int()) return std::to_string(value.as_integer());
    if (value.is_large()) return std::to_string(value.as_large());
    std::string number;
    append_json_number(number, value.as_double());
    return number;
  }

  // The quotes are the template's; what stands between them is as much the caller's as the text is. Where only a part
  // of it is, escapes have moved the bytes, so all of it counts as the caller's.
  void write_string(const String& string) {
    std::string quoted;
    append_json_string(quoted, string.bytes(), layout_.ensure_ascii);
    if (!string.text().has_user()) return out_.append(quoted);
    out_.append("\"");
    if (quoted.size() == string.bytes().size() + 2) {
      out_.append(string.text());
    } else {
      out_.append(std::string_view(quoted).substr(1, quoted.size() - 2), true);
    }
    out_.append("\"");
  }

  void new_line(size_t depth) {
    if (!layout_.on_lines) return;
    require_memory(out_.size() + layout_.indent.size() * depth);
    out_.append("\n");
    for (size_t i = 0; i < depth; ++i) out_.append(layout_.indent);
  }

  void write_array(const List& list, size_t depth) {
    if (list.items().empty()) return out_.append("[]");
    out_.append("[");
    for (size_t i = 0; i < list.items().size(); ++i) {
      if (i > 0) out_.append(layout_.item_separator);
      new_line(depth + 1);
      write(list.items()[i], depth + 1);
    }
    new_line(depth);
    out_.append("]");
  }

  void write_object(const Dict& dict, size_t depth) {
    if (dict.items().empty()) return out_.append("{}");
    out_.append("{");
    std::vector<std::pair<Value, Value>> sorted;
    if (layout_.sort_keys) {
      sorted = dict.items();
      std::stable_sort(sorted.begin(), sorted.end(),
                       [](const auto& a, const auto& b) { return less(a.first, b.first); });
    }
    const auto& items = layout_.sort_keys ? sorted : dict.items();
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_.append(layout_.item_separator);
      new_line(depth + 1);
      write_key(items[i].first);
      out_.append(layout_.key_separator);
      write(items[i].second, depth + 1);
    }
    new_line(depth);
    out_.append("}");
  }

  void write_key(const Value& key) {
    if (key.is_string()) return write_string(key.as_string());
    if (key.is_sequence() || key.is_object() || key.is_undefined()) {
      type_error("keys must be str, int, float, bool or None, not " + std::string(type_name(key)));
    }
    out_.append("\"" + scalar(key) + "\"");
  }

  Layout layout_;
  Text out_;
};

}  // namespace

Value tojson(Arguments arguments) {
  BoundArguments args("tojson", {"x", "ensure_ascii", "indent", "separators", "sort_keys"}, 1, std::move(arguments));
  Layout layout;
  layout.ensure_ascii = args.flag(1, false);
  layout.sort_keys = args.flag(4, false);
  if (args.has_not_none(2)) {
    layout.on_lines = true;
    layout.item_separator = Text(",");
    if (args[2].is_string()) {
      layout.indent = args[2].bytes();
    } else {
      auto width = static_cast<size_t>(std::max<int64_t>(args.integer(2, 0), 0));
      require_memory(width);
      layout.indent.assign(width, ' ');
    }
  }
  if (args.has_not_none(3)) {
    std::vector<Value> separators = to_vector(args[3]);
    if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string()) {
      value_error("separators must be two strings");
    }
    layout.item_separator = separators[0].as_string().text();
    layout.key_separator = separators[1].as_string().text();
  }
  JsonWriter writer(std::move(layout));
  writer.write(args[0], 0);
  return Value(writer.take());
}

}  // namespace imago::chat::jinja
