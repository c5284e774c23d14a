// UTF-8 and the Unicode properties that tokenizers and text processing need. Properties are those of the utf8proc that
// is linked.
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
  int size;  // bytes it took, at least 1; a malformed sequence gives kReplacementCharacter and its maximal subpart's
             // length
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

// The number of characters in UTF-8 text.
size_t count_utf8(std::string_view text);

// Whether every byte is ASCII, and how many bytes at the front are.
bool is_ascii(std::string_view text);
size_t ascii_prefix_size(std::string_view text);

// General category (Unicode Standard, section 4.5). The order is part of the interface: letters, marks, numbers,
// punctuation, symbols, separators and others are each one contiguous range.
enum class GeneralCategory : uint8_t {
  kUnassigned,
  kUppercaseLetter,
  kLowercaseLetter,
  kTitlecaseLetter,
  kModifierLetter,
  kOtherLetter,
  kNonspacingMark,
  kSpacingMark,
  kEnclosingMark,
  kDecimalNumber,
  kLetterNumber,
  kOtherNumber,
  kConnectorPunctuation,
  kDashPunctuation,
  kOpenPunctuation,
  kClosePunctuation,
  kInitialPunctuation,
  kFinalPunctuation,
  kOtherPunctuation,
  kMathSymbol,
  kCurrencySymbol,
  kModifierSymbol,
  kOtherSymbol,
  kSpaceSeparator,
  kLineSeparator,
  kParagraphSeparator,
  kControl,
  kFormat,
  kSurrogate,
  kPrivateUse,
};

GeneralCategory general_category(char32_t code_point);

// The White_Space property, which is what Rust's char::is_whitespace and Python's str.isspace are about (the latter
// adds U+001C to U+001F).
bool is_white_space(char32_t code_point);

// Canonical_Combining_Class: 0 for starters.
int combining_class(char32_t code_point);

// The simple and special-case lowercase mapping without context (U+0130 gives two characters). Writes up to 3
// characters and returns how many.
size_t lowercase(char32_t code_point, char32_t* out);
std::string lowercase(std::string_view text);

enum class NormalForm { kNFC, kNFD, kNFKC, kNFKD };  // Unicode Standard Annex 15

// The full canonical (or compatibility) decomposition of one character, in canonical order as the data has it. Writes
// up to 18 characters and returns how many (1 when it does not decompose).
size_t decompose(char32_t code_point, bool compatibility, char32_t* out);

// The primary composite of two characters, or 0 when there is none.
char32_t compose(char32_t first, char32_t second);

// Whether text that consists of such characters only is already in that form (a conservative quick check: false may
// still be in the form).
bool is_inert(char32_t code_point, NormalForm form);

std::string normalize(std::string_view text, NormalForm form);

// The length in bytes of the first extended grapheme cluster (Unicode Standard Annex 29) of `text`, which must not be
// empty.
size_t first_grapheme_size(std::string_view text);

}  // namespace imago
