// What Python's str does with white space and case, which differs from other stages in corners.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imago/tokenizers/normalized_string.h"

namespace imago::tokenizers {

bool is_python_space(char32_t c);

std::string_view strip(std::string_view text);                     // str.strip()
std::vector<std::string_view> split_words(std::string_view text);  // str.split()
std::string_view first_word(std::string_view text);                // empty where there is none

// str.lower(), where a sigma at the end of a word has a form of its own.
void lowercase_in_context(NormalizedString& string);
// str.upper(): U+00DF becomes two letters.
void uppercase(NormalizedString& string);
std::string lowercase_in_context(std::string_view text);
std::string uppercase(std::string_view text);

}  // namespace imago::tokenizers
