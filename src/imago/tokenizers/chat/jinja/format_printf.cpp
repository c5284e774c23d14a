// "..." % values
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/format.h"
#include "imago/tokenizers/chat/jinja/operators.h"

namespace imago::chat::jinja {
namespace {

struct Conversion {
  bool left = false, zero = false, plus = false, space = false, alternate = false;
  int64_t width = 0, precision = -1;
  char type = 's';
};

class PrintfFormatter {
 public:
  PrintfFormatter(const String& format, const Value& arguments) : format_(format), arguments_(arguments) {
    if (arguments.is_tuple()) {
      items_ = arguments.as_sequence().items();
    } else {
      items_ = {arguments};
    }
  }

  Value run() {
    const std::string& text = format_.bytes();
    while (at_ < text.size()) {
      size_t percent = std::min(text.find('%', at_), text.size());
      result_.append(format_.text(), at_, percent);
      at_ = percent;
      if (at_ == text.size()) break;
      ++at_;
      convert();
      require_memory(result_.size());
    }
    // Whatever has subscripts passes for a mapping, of which some may stay unused.
    bool mapping =
        arguments_.is_dict() || arguments_.is_list() || arguments_.is_undefined() || arguments_.as<Range>() != nullptr;
    if (!used_mapping_ && next_ < items_.size() && !mapping) {
      type_error("not all arguments converted during string formatting");
    }
    return Value(std::move(result_), format_.safe());
  }

 private:
  char peek() const {
    if (at_ >= format_.bytes().size()) value_error("incomplete format");
    return format_.bytes()[at_];
  }

  Value next_argument() {
    if (next_ >= items_.size()) type_error("not enough arguments for format string");
    return items_[next_++];
  }

  void convert() {
    std::optional<Value> keyed = take_key();
    Conversion conversion;
    take_flags(conversion);
    conversion.width = take_size();
    if (conversion.width < 0) {
      conversion.left = true;
      conversion.width = -conversion.width;
    }
    if (peek() == '.') {
      ++at_;
      conversion.precision = std::max<int64_t>(take_size(), 0);
    }
    if (peek() == 'h' || peek() == 'l' || peek() == 'L') ++at_;
    conversion.type = peek();
    ++at_;
    if (conversion.type == '%') return result_.append("%");
    require_memory(static_cast<size_t>(conversion.width));
    write(conversion, keyed.has_value() ? *keyed : next_argument());
  }

  std::optional<Value> take_key() {
    if (peek() != '(') return std::nullopt;
    if (!arguments_.is_dict()) type_error("format requires a mapping");
    size_t begin = ++at_;
    for (int depth = 1; depth > 0; ++at_) {
      if (at_ >= format_.bytes().size()) value_error("incomplete format key");
      depth += format_.bytes()[at_] == '(' ? 1 : format_.bytes()[at_] == ')' ? -1 : 0;
    }
    std::string key = format_.bytes().substr(begin, at_ - 1 - begin);
    const Value* value = arguments_.as_dict().find(std::string_view(key));
    if (value == nullptr) fail("KeyError", "'" + key + "'");
    used_mapping_ = true;
    return *value;
  }

  void take_flags(Conversion& conversion) {
    for (;; ++at_) {
      switch (peek()) {
        case '-': conversion.left = true; break;
        case '+': conversion.plus = true; break;
        case ' ': conversion.space = true; break;
        case '#': conversion.alternate = true; break;
        case '0': conversion.zero = true; break;
        default: return;
      }
    }
  }

  int64_t take_size() {
    if (peek() == '*') {
      ++at_;
      Value value = next_argument();
      if (!value.is_integral()) type_error("* wants int");
      if (std::abs(value.as_integer()) > (1 << 30)) limit_exceeded("a format that is too wide");
      return value.as_integer();
    }
    int64_t size = 0;
    while (peek() >= '0' && peek() <= '9') {
      size = size * 10 + (peek() - '0');
      if (size > (1 << 30)) limit_exceeded("a format that is too wide");
      ++at_;
    }
    return size;
  }

  void write(const Conversion& conversion, const Value& value) {
    switch (conversion.type) {
      case 's':
      case 'r':
      case 'a': return write_text(conversion, value);
      case 'c': return write_character(conversion, value);
      case 'd':
      case 'i':
      case 'u':
      case 'o':
      case 'x':
      case 'X': return pad_number(conversion, integer_digits(conversion, value));
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': break;
      default: value_error(std::string("unsupported format character '") + conversion.type + "'");
    }
    require_defined(value);
    if (!value.is_number()) type_error("must be real number, not " + std::string(type_name(value)));
    if (conversion.precision > 1000) limit_exceeded("a format that is too precise");
    int precision = conversion.precision < 0 ? 6 : static_cast<int>(conversion.precision);
    pad_number(conversion, format_float(value.as_double(), conversion.type, precision, conversion.alternate));
  }

  void write_text(const Conversion& conversion, const Value& value) {
    Text text = conversion.type == 's' ? joined_text(value, format_.safe()) : repr(value);
    if (conversion.precision >= 0) {
      text.truncate(byte_of_code_point(text.bytes(), static_cast<size_t>(conversion.precision)));
    }
    pad(conversion, text);
  }

  void write_character(const Conversion& conversion, const Value& value) {
    if (value.is_string() && value.as_string().length() == 1) return pad(conversion, value.as_string().text());
    if (!value.is_integral()) type_error("%c requires int or char");
    if (value.as_integer() < 0 || value.as_integer() > 0x10FFFF) fail("OverflowError", "%c arg not in range(0x110000)");
    std::string text;
    append_utf8(text, static_cast<char32_t>(value.as_integer()));
    pad(conversion, Text(text));
  }

  std::string integer_digits(const Conversion& conversion, const Value& value) {
    require_defined(value);
    bool decimal = conversion.type == 'd' || conversion.type == 'i' || conversion.type == 'u';
    if (!value.is_number() || (value.is_float() && !decimal)) {
      type_error(std::string("%") + conversion.type + " format: a real number is required, not " +
                 std::string(type_name(value)));
    }
    if (value.is_large()) unsupported("an integer beyond 64 bits");
    if (value.is_float() && !(std::abs(value.as_double()) < 9e18)) unsupported("an integer beyond 64 bits");
    int64_t number = value.is_float() ? static_cast<int64_t>(value.as_double()) : value.as_integer();
    uint64_t magnitude = number < 0 ? uint64_t{0} - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    char digits[32];
    const char* form = conversion.type == 'o'   ? "%lo"
                       : conversion.type == 'x' ? "%lx"
                       : conversion.type == 'X' ? "%lX"
                                                : "%lu";
    std::snprintf(digits, sizeof(digits), form, static_cast<unsigned long>(magnitude));
    std::string text = digits;
    if (conversion.precision > static_cast<int64_t>(text.size())) {
      require_memory(static_cast<size_t>(conversion.precision));
      text.insert(0, static_cast<size_t>(conversion.precision) - text.size(), '0');
    }
    if (conversion.alternate && !decimal) text.insert(0, std::string("0") + conversion.type);
    return number < 0 ? "-" + text : text;
  }

  void pad_number(const Conversion& conversion, std::string digits) {
    if (!digits.starts_with('-')) digits.insert(0, conversion.plus ? "+" : conversion.space ? " " : "");
    auto width = static_cast<size_t>(conversion.width);
    if (conversion.zero && !conversion.left && digits.size() < width) {
      size_t sign = digits.find_first_not_of("+- ");
      if (conversion.alternate && digits.substr(sign).starts_with('0') && digits.size() > sign + 1 &&
          std::isalpha(static_cast<unsigned char>(digits[sign + 1])) != 0) {
        sign += 2;
      }
      digits.insert(sign, width - digits.size(), '0');
    }
    pad(conversion, Text(digits));
  }

  void pad(const Conversion& conversion, const Text& text) {
    auto width = static_cast<size_t>(conversion.width), length = code_point_count(text.bytes());
    std::string spaces(width > length ? width - length : 0, ' ');
    if (!conversion.left) result_.append(spaces);
    result_.append(text);
    if (conversion.left) result_.append(spaces);
  }

  const String& format_;
  const Value& arguments_;
  std::vector<Value> items_;
  Text result_;
  size_t at_ = 0, next_ = 0;
  bool used_mapping_ = false;
};

}  // namespace

std::string format_float(double value, char form, int precision, bool alternate) {
  if (!std::isfinite(value)) {
    std::string text = std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    if (form >= 'A' && form <= 'Z') std::transform(text.begin(), text.end(), text.begin(), ::toupper);
    return text;
  }
  std::string text(static_cast<size_t>(precision) + 350, '\0');  // 309 digits before the point at most
  int size = 0;
  switch (form) {
    case 'e': size = std::snprintf(text.data(), text.size(), alternate ? "%#.*e" : "%.*e", precision, value); break;
    case 'E': size = std::snprintf(text.data(), text.size(), alternate ? "%#.*E" : "%.*E", precision, value); break;
    case 'g': size = std::snprintf(text.data(), text.size(), alternate ? "%#.*g" : "%.*g", precision, value); break;
    case 'G': size = std::snprintf(text.data(), text.size(), alternate ? "%#.*G" : "%.*G", precision, value); break;
    default: size = std::snprintf(text.data(), text.size(), alternate ? "%#.*f" : "%.*f", precision, value); break;
  }
  text.resize(static_cast<size_t>(size));
  return text;
}

Value format_printf(const Value& format, const Value& arguments) {
  return PrintfFormatter(format.as_string(), arguments).run();
}

}  // namespace imago::chat::jinja
