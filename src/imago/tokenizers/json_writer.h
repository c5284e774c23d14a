// Writes JSON as the reference's serializer does, so that saved files are equal byte for byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace imago::tokenizers {

// Pretty output indents by two spaces and puts every member on a line of its own; the compact one has no white space.
class JsonWriter {
 public:
  explicit JsonWriter(bool pretty) : pretty_(pretty) {}

  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_array() { begin('['); }
  void end_array() { end(']'); }
  // In an object before each value; in an array before each element.
  void key(std::string_view name);
  void element() { separate(); }

  void string(std::string_view text);
  void integer(int64_t value) { text_ += std::to_string(value); }
  void number(double value);
  void number(float value);
  void boolean(bool value) { text_ += value ? "true" : "false"; }
  void null() { text_ += "null"; }

  // Members of an object, each by its kind.
  void member(std::string_view name, std::string_view text);
  void member(std::string_view name, const char* text) { member(name, std::string_view(text)); }
  void member(std::string_view name, const std::string& text) { member(name, std::string_view(text)); }
  void member(std::string_view name, bool value);
  void member(std::string_view name, int32_t value) { key(name), integer(value); }
  void member(std::string_view name, size_t value) { key(name), integer(static_cast<int64_t>(value)); }
  void null_member(std::string_view name) { key(name), null(); }
  // A stage's object begins with its type; "pattern" is {"String": ...} or {"Regex": ...}.
  void begin_stage(std::string_view type);
  void pattern(std::string_view text, bool is_regex);
  // A member that is an array; write(element) writes one.
  template <class List, class Write>
  void array(std::string_view name, const List& list, Write write) {
    key(name);
    begin_array();
    for (const auto& item : list) {
      element();
      write(item);
    }
    end_array();
  }
  template <class Stages>
  void stages(std::string_view name, const Stages& parts) {
    array(name, parts, [this](const auto& part) { part->write_json(*this); });
  }

  std::string take() { return std::move(text_); }

 private:
  void begin(char bracket);
  void end(char bracket);
  void separate();

  std::string text_;
  bool pretty_;
  bool first_ = true;
  int depth_ = 0;
};

}  // namespace imago::tokenizers
