#include "imago/tokenizers/chat/jinja/numbers.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

#include "imago/tokenizers/chat/jinja/characters.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/format.h"

namespace imago::chat::jinja {
namespace {

// Without the underscores that stand between digits; nullopt where one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits += text[i];
    } else if (i == 0 || i + 1 == text.size() || std::isalnum(static_cast<unsigned char>(text[i - 1])) == 0 ||
               std::isalnum(static_cast<unsigned char>(text[i + 1])) == 0) {
      return std::nullopt;
    }
  }
  return digits;
}

std::string_view stripped(std::string_view text) { return strip_right(strip_left(text)); }

}  // namespace

std::optional<int64_t> parse_integer(std::string_view text, int64_t base) {
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  text = stripped(text);
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int64_t marked = 0;
  if (text.size() > 1 && text[0] == '0') {
    char mark = static_cast<char>(text[1] | 32);
    marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  }
  if (marked != 0 && (base == 0 || base == marked)) {
    text.remove_prefix(2);
    if (text.starts_with('_')) text.remove_prefix(1);
    base = marked;
  }
  if (base == 0) base = 10;
  std::optional<std::string> digits = without_underscores(text);
  if (!digits || digits->empty() || digits->starts_with('-') || digits->starts_with('+')) return std::nullopt;
  uint64_t magnitude = 0;
  auto [end, error] =
      std::from_chars(digits->data(), digits->data() + digits->size(), magnitude, static_cast<int>(base));
  if (end != digits->data() + digits->size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error != std::errc() || magnitude > static_cast<uint64_t>(INT64_MAX)) unsupported("an integer beyond 64 bits");
  return negative ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
}

std::optional<double> parse_float(std::string_view text) {
  std::optional<std::string> digits = without_underscores(stripped(text));
  if (!digits || digits->empty()) return std::nullopt;
  // strtod knows more than Python does: hexadecimal numbers and nan(...).
  std::string lower = to_lower(*digits);
  std::string_view unsigned_part = lower;
  if (unsigned_part[0] == '-' || unsigned_part[0] == '+') unsigned_part.remove_prefix(1);
  bool word = unsigned_part == "inf" || unsigned_part == "infinity" || unsigned_part == "nan";
  if (!word && unsigned_part.find_first_not_of("0123456789.e+-") != std::string_view::npos) return std::nullopt;
  char* end = nullptr;
  double value = std::strtod(digits->c_str(), &end);
  return end == digits->c_str() + digits->size() ? std::optional<double>(value) : std::nullopt;
}

double round_half_even(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 330) return value;
  if (digits < -330) return std::copysign(0.0, value);
  if (digits >= 0) return std::strtod(format_float(value, 'f', static_cast<int>(digits)).c_str(), nullptr);
  double unit = std::pow(10.0, static_cast<double>(-digits));
  return std::nearbyint(value / unit) * unit;
}

}  // namespace imago::chat::jinja
