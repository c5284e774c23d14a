#include "imago/tokenizers/chat/jinja/escapes.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "imago/base/unicode.h"

namespace imago::chat::jinja {
namespace {

bool is_digit_of(char c, int base) {
  int value = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'z' ? (c | 32) - 'a' + 10 : 99;
  return value < base;
}

// The code point of `digits` hexadecimal digits; false where there are fewer or they mean no character.
bool take_hex(std::string_view& rest, size_t digits, std::string& text) {
  uint32_t code = 0;
  if (rest.size() < digits) return false;
  auto [end, error] = std::from_chars(rest.data(), rest.data() + digits, code, 16);
  if (error != std::errc() || end != rest.data() + digits) return false;
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
  append_utf8(text, code);
  rest.remove_prefix(digits);
  return true;
}

void take_octal(std::string_view& rest, std::string& text) {
  uint32_t code = 0;
  for (int i = 0; i < 3 && !rest.empty() && is_digit_of(rest[0], 8); ++i, rest.remove_prefix(1)) {
    code = code * 8 + static_cast<uint32_t>(rest[0] - '0');
  }
  append_utf8(text, code);
}

// Jinja writes characters beyond ASCII as \x, \u or \U before it decodes the escapes, so a backslash before one makes
// that notation plain text.
void take_escaped_character(std::string_view& rest, std::string& text) {
  auto [c, size] = decode_utf8(rest);
  char buffer[16];
  int written = std::snprintf(buffer, sizeof(buffer),
                              c < 0x100     ? "\\x%02x"
                              : c < 0x10000 ? "\\u%04x"
                                            : "\\U%08x",
                              static_cast<unsigned>(c));
  text.append(buffer, static_cast<size_t>(written));
  rest.remove_prefix(static_cast<size_t>(size));
}

}  // namespace

bool unescape(std::string_view literal, std::string& text, std::string& error) {
  static constexpr std::string_view kNames = "\\'\"abfnrtv", kMeanings = "\\'\"\a\b\f\n\r\t\v";
  std::string result;
  for (std::string_view rest = literal; !rest.empty();) {
    if (rest[0] != '\\' || rest.size() == 1) {
      result += rest[0];
      rest.remove_prefix(1);
      continue;
    }
    char c = rest[1];
    if (c >= '0' && c <= '7') {
      rest.remove_prefix(1);
      take_octal(rest, result);
      continue;
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
      rest.remove_prefix(1);
      take_escaped_character(rest, result);
      continue;
    }
    rest.remove_prefix(2);
    if (size_t i = kNames.find(c); i != std::string_view::npos) {
      result += kMeanings[i];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      if (!take_hex(rest, c == 'x' ? 2 : c == 'u' ? 4 : 8, result)) {
        error = std::string("truncated or illegal \\") + c + " escape";
        return false;
      }
    } else if (c == 'N') {
      error = "the escape \\N{...} is not supported";
      return false;
    } else if (c != '\n') {
      result += '\\';
      result += c;
    }
  }
  text = std::move(result);
  return true;
}

namespace {

// Digits with single underscores between them, from `i` on: the index behind them, or `i` where there are none.
size_t scan_digits(std::string_view text, size_t i, int base, bool leading_underscore = false) {
  size_t end = i;
  while (end < text.size()) {
    size_t digit = end;
    if (text[digit] == '_' && (end > i || leading_underscore)) ++digit;
    if (digit >= text.size() || !is_digit_of(text[digit], base)) break;
    end = digit + 1;
  }
  return end;
}

std::string without_underscores(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (c != '_') digits += c;
  }
  return digits;
}

size_t scan_exponent(std::string_view text, size_t i) {
  if (i >= text.size() || (text[i] | 32) != 'e') return i;
  size_t digits = i + 1;
  if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
  size_t end = scan_digits(text, digits, 10);
  return end > digits ? end : i;
}

bool scan_float(std::string_view text, NumberToken& number) {
  size_t whole = scan_digits(text, 0, 10), end = whole;
  if (end < text.size() && text[end] == '.') {
    size_t fraction = scan_digits(text, end + 1, 10);
    if (fraction > end + 1) end = fraction;
  }
  end = scan_exponent(text, end);
  if (end == whole) return false;
  number.is_float = true;
  number.length = end;
  number.number = std::strtod(without_underscores(text.substr(0, end)).c_str(), nullptr);
  return true;
}

}  // namespace

NumberToken scan_number(std::string_view text, bool behind_point) {
  NumberToken number;
  if (!behind_point && scan_float(text, number)) return number;
  int base = 10;
  size_t prefix = 0;
  if (text[0] == '0' && text.size() > 1) {
    char mark = static_cast<char>(text[1] | 32);
    int other = mark == 'b' ? 2 : mark == 'o' ? 8 : mark == 'x' ? 16 : 0;
    if (other != 0 && scan_digits(text, 2, other, true) > 2) {
      base = other;
      prefix = 2;
    }
  }
  // A decimal zero may be followed by zeros only: "01" is two numbers, and so no expression.
  number.length = scan_digits(text, prefix, prefix == 0 && text[0] == '0' ? 1 : base, prefix > 0);
  std::string digits = without_underscores(text.substr(prefix, number.length - prefix));
  number.valid = std::from_chars(digits.data(), digits.data() + digits.size(), number.integer, base).ec == std::errc();
  return number;
}

}  // namespace imago::chat::jinja
