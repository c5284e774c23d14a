// Character classes and case mappings as Python's str has them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace imago::chat::jinja {

bool is_space(char32_t c);  // str.isspace, and \s of its regular expressions
bool is_decimal(char32_t c);
bool is_digit(char32_t c);
bool is_numeric(char32_t c);
bool is_alpha(char32_t c);
bool is_lower(char32_t c);
bool is_upper(char32_t c);
bool is_title(char32_t c);
bool is_cased(char32_t c);
bool is_alnum(char32_t c);
bool is_printable(char32_t c);

// Bytes of the character at the front of `text` if it is of a word (\w), else 0.
size_t is_word_character(std::string_view text);

std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_title(std::string_view text);        // str.title
std::string to_capitalized(std::string_view text);  // str.capitalize
std::string swap_case(std::string_view text);
std::string casefold(std::string_view text);

}  // namespace imago::chat::jinja
