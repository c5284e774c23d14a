// UTF-8 and the Unicode properties that tokenizers and text processing need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace imago {

// What stands for bytes that are not UTF-8 (U+FFFD).
inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct DecodedCharacter {
  char32_t code_point;
  int size;  // bytes it took, at least 1; a malformed sequence gives kReplacementCharacter and its maximal subpart's length
};

// The character at the front of `text`, which must not be empty.
DecodedCharacter decode_utf8(std::string_view text);

// Appends the UTF-8 form of a Unicode scalar value (surrogates and values over 0x10FFFF become kReplacementCharacter).
void append_utf8(std::string& text, char32_t code_point);

bool is_valid_utf8(std::string_view text);

// Replaces each maximal malformed subpart by U+FFFD, as Python's bytes.decode("utf-8", errors="replace").
std::string to_valid_utf8(std::string_view text);

// How many bytes at the end of `text` may be the beginning of a character that is still incomplete (0 to 3): what a
// streamer holds back so that it never splits a character.
size_t incomplete_utf8_suffix(std::string_view text);

}  // namespace imago
