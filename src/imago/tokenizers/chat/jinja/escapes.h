// Literals of the template language.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace imago::chat::jinja {

// Replaces the escapes of a string literal's inside by what they mean, as Python's unicode-escape codec does after
// Jinja's encoding; an unknown escape stays. False with a message for one that is cut short or means no character.
bool unescape(std::string_view literal, std::string& text, std::string& error);

struct NumberToken {
  bool valid = true;  // false: an integer beyond 64 bits
  bool is_float = false;
  size_t length = 0;
  int64_t integer = 0;
  double number = 0;
};

// The number at the front of `text`, which begins with a digit. Behind a point it is an integer.
NumberToken scan_number(std::string_view text, bool behind_point);

}  // namespace imago::chat::jinja
