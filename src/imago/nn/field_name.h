// Names of fields as template arguments.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace imago::nn {

// "lm_head" in ForCausalLM<Base, LMHead, "lm_head">. May be a path ("cls.predictions").
template <size_t size>
struct FieldName {
  char text[size] = {};

  consteval FieldName(const char (&literal)[size]) { std::copy_n(literal, size, text); }
  constexpr operator std::string_view() const { return {text, size - 1}; }
  std::string string() const { return {text, size - 1}; }
};

}  // namespace imago::nn
