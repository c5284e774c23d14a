#include "imago/tokenizers/chat/jinja/operators.h"

#include <algorithm>
#include <cmath>

#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/format.h"
#include "imago/tokenizers/chat/jinja/objects.h"

namespace imago::chat::jinja {
namespace {

std::string_view symbol(Operator operation) {
  switch (operation) {
    case Operator::kAdd: return "+";
    case Operator::kSubtract: return "-";
    case Operator::kMultiply: return "*";
    case Operator::kDivide: return "/";
    case Operator::kFloorDivide: return "//";
    case Operator::kModulo: return "%";
    case Operator::kPower: return "** or pow()";
    case Operator::kLess: return "<";
    case Operator::kLessEqual: return "<=";
    case Operator::kGreater: return ">";
    case Operator::kGreaterEqual: return ">=";
    default: return "?";
  }
}

[[noreturn]] void unsupported_operands(Operator operation, const Value& left, const Value& right) {
  type_error("unsupported operand type(s) for " + std::string(symbol(operation)) + ": '" +
             std::string(type_name(left)) + "' and '" + std::string(type_name(right)) + "'");
}

[[noreturn]] void overflow() { unsupported("an integer beyond 64 bits"); }

// By reference: the operation that fills `value` is an argument beside it.
int64_t checked(bool overflowed, const int64_t& value) {
  if (overflowed) overflow();
  return value;
}

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) fail("ZeroDivisionError", "integer division or modulo by zero");
  if (b == -1) {
    int64_t result = 0;
    return checked(__builtin_sub_overflow(int64_t{0}, a, &result), result);
  }
  int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t modulo(int64_t a, int64_t b) {
  if (b == 0) fail("ZeroDivisionError", "integer division or modulo by zero");
  if (b == -1) return 0;
  int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double float_modulo(double a, double b) {
  if (b == 0) fail("ZeroDivisionError", "float modulo");
  double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

Value power(const Value& left, const Value& right) {
  if (left.is_integral() && right.is_integral() && right.as_integer() >= 0) {
    int64_t result = 1, base = left.as_integer();
    for (int64_t exponent = right.as_integer(); exponent > 0; exponent >>= 1) {
      if ((exponent & 1) != 0) checked(__builtin_mul_overflow(result, base, &result), result);
      if (exponent > 1) checked(__builtin_mul_overflow(base, base, &base), base);
    }
    return result;
  }
  double a = left.as_double(), b = right.as_double();
  if (a == 0 && b < 0) fail("ZeroDivisionError", "0.0 cannot be raised to a negative power");
  if (a < 0 && b != std::floor(b)) unsupported("a complex number");
  double result = std::pow(a, b);
  if (std::isinf(result) && std::isfinite(a) && std::isfinite(b))
    fail("OverflowError", "Numerical result out of range");
  return result;
}

Value integer_arithmetic(Operator operation, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (operation) {
    case Operator::kAdd: return checked(__builtin_add_overflow(a, b, &result), result);
    case Operator::kSubtract: return checked(__builtin_sub_overflow(a, b, &result), result);
    case Operator::kMultiply: return checked(__builtin_mul_overflow(a, b, &result), result);
    case Operator::kFloorDivide: return floor_divide(a, b);
    case Operator::kModulo: return modulo(a, b);
    default:
      if (b == 0) fail("ZeroDivisionError", "division by zero");
      return static_cast<double>(a) / static_cast<double>(b);
  }
}

Value float_arithmetic(Operator operation, double a, double b) {
  switch (operation) {
    case Operator::kAdd: return a + b;
    case Operator::kSubtract: return a - b;
    case Operator::kMultiply: return a * b;
    case Operator::kModulo: return float_modulo(a, b);
    case Operator::kFloorDivide: {
      if (b == 0) fail("ZeroDivisionError", "float floor division by zero");
      double rest = float_modulo(a, b);
      return std::isfinite(rest) ? std::round((a - rest) / b) : std::floor(a / b);
    }
    default:
      if (b == 0) fail("ZeroDivisionError", "float division by zero");
      return a / b;
  }
}

Value add(const Value& left, const Value& right) {
  if (left.is_string()) {
    if (!right.is_string()) {
      type_error("can only concatenate str (not \"" + std::string(type_name(right)) + "\") to str");
    }
    return add_strings(left, right);
  }
  if (left.is_sequence()) {
    if (!right.is_sequence() || left.is_tuple() != right.is_tuple()) {
      std::string type(type_name(left));
      type_error("can only concatenate " + type + " (not \"" + std::string(type_name(right)) + "\") to " + type);
    }
    const auto &a = left.as_sequence().items(), &b = right.as_sequence().items();
    require_memory((a.size() + b.size()) * sizeof(Value));
    std::vector<Value> items;
    items.reserve(a.size() + b.size());
    items.insert(items.end(), a.begin(), a.end());
    items.insert(items.end(), b.begin(), b.end());
    return left.is_tuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
  }
  unsupported_operands(Operator::kAdd, left, right);
}

}  // namespace

Text escape_html(const Text& text) {
  if (text.bytes().find_first_of("&<>'\"") == std::string::npos) return text;
  Text result;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text.bytes()[i];
    std::string_view entity = c == '&'    ? "&amp;"
                              : c == '<'  ? "&lt;"
                              : c == '>'  ? "&gt;"
                              : c == '\'' ? "&#39;"
                              : c == '"'  ? "&#34;"
                                          : std::string_view();
    if (entity.empty()) continue;
    result.append(text, begin, i);
    bool from_user = text.slice(i, i + 1).has_user();
    result.append(entity, from_user);
    begin = i + 1;
    if ((result.size() & 0xFFF) == 0) require_memory(result.size());
  }
  result.append(text, begin, text.size());
  return result;
}

Text joined_text(const Value& value, bool safe) {
  Text text = to_text(value);
  return safe && !(value.is_string() && value.as_string().safe()) ? escape_html(text) : text;
}

Value add_strings(const Value& left, const Value& right) {
  bool safe = left.as_string().safe() || right.as_string().safe();
  require_memory(left.bytes().size() + right.bytes().size());
  Text text = joined_text(left, safe);
  text.reserve(text.size() + right.bytes().size());
  if (safe) {
    text.append(joined_text(right, safe));
  } else {
    text.append(right.as_string().text());
  }
  return Value(std::move(text), safe);
}

Value repeat(const Value& sequence, int64_t count) {
  auto times = static_cast<size_t>(std::max<int64_t>(count, 0));
  auto require = [&](size_t unit) {
    if (unit == 0) times = 0;
    if (unit > 0 && times > SIZE_MAX / unit) limit_exceeded("a repetition of " + std::to_string(count) + " times");
    require_memory(unit * times);
  };
  if (sequence.is_string()) {
    const Text& unit = sequence.as_string().text();
    require(unit.memory());
    Text result;
    result.reserve(unit.size() * times);
    for (size_t i = 0; i < times; ++i) result.append(unit);
    return Value(std::move(result), sequence.as_string().safe());
  }
  const auto& unit = sequence.as_sequence().items();
  require(unit.size() * sizeof(Value));
  std::vector<Value> items;
  items.reserve(unit.size() * times);
  for (size_t i = 0; i < times; ++i) items.insert(items.end(), unit.begin(), unit.end());
  return sequence.is_tuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

Value binary(Operator operation, const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) {
    if (left.is_large() || right.is_large()) overflow();
    if (operation == Operator::kPower) return power(left, right);
    if (left.is_integral() && right.is_integral()) {
      return integer_arithmetic(operation, left.as_integer(), right.as_integer());
    }
    return float_arithmetic(operation, left.as_double(), right.as_double());
  }
  // "%" looks at its right side only where the format asks for it.
  if (operation == Operator::kModulo && left.is_string()) return format_printf(left, right);
  require_defined(left);
  require_defined(right);
  if (operation == Operator::kAdd) return add(left, right);
  if (operation == Operator::kMultiply) {
    auto repeatable = [](const Value& value) { return value.is_string() || value.is_sequence(); };
    if (repeatable(left) && right.is_integral()) return repeat(left, right.as_integer());
    if (left.is_integral() && repeatable(right)) return repeat(right, left.as_integer());
    if (repeatable(left) || repeatable(right)) {
      const Value& other = repeatable(left) ? right : left;
      type_error("can't multiply sequence by non-int of type '" + std::string(type_name(other)) + "'");
    }
  }
  unsupported_operands(operation, left, right);
}

Value unary(Operator operation, const Value& value) {
  require_defined(value);
  if (value.is_large()) overflow();
  if (value.is_float()) return operation == Operator::kNegative ? -value.as_double() : value.as_double();
  if (value.is_integral()) {
    return operation == Operator::kNegative ? integer_arithmetic(Operator::kSubtract, 0, value.as_integer())
                                            : Value(value.as_integer());
  }
  type_error(std::string("bad operand type for unary ") + (operation == Operator::kNegative ? "-" : "+") + ": '" +
             std::string(type_name(value)) + "'");
}

bool contains(const Value& container, const Value& value) {
  if (container.is_string()) {
    require_defined(value);
    if (!value.is_string()) {
      type_error("'in <string>' requires string as left operand, not " + std::string(type_name(value)));
    }
    spend_on_bytes(container.bytes().size());
    return container.bytes().find(value.bytes()) != std::string::npos;
  }
  if (container.is_dict()) return container.as_dict().find(value) != nullptr;
  if (auto* range = container.as<Range>(); range != nullptr && value.is_integral()) {
    return range->contains(value.as_integer());
  }
  if (auto* view = container.as<DictView>(); view != nullptr && view->kind() == DictView::Kind::kKeys) {
    return view->dict().as_dict().find(value) != nullptr;
  }
  if (!is_iterable(container)) {
    type_error("argument of type '" + std::string(type_name(container)) + "' is not iterable");
  }
  Value item;
  for (Iterator next = iterate(container); next(item);) {
    if (equals(item, value)) return true;
  }
  return false;
}

bool compare(Operator operation, const Value& left, const Value& right) {
  switch (operation) {
    case Operator::kEqual: return equals(left, right);
    case Operator::kNotEqual: return !equals(left, right);
    case Operator::kIn: return contains(right, left);
    case Operator::kNotIn: return !contains(right, left);
    case Operator::kLess: return less(left, right);
    case Operator::kGreater: return less(right, left, ">");
    default: break;
  }
  bool numbers = left.is_number() && right.is_number();
  if (numbers && (std::isnan(left.as_double()) || std::isnan(right.as_double()))) return false;
  return operation == Operator::kLessEqual ? !less(right, left, "<=") : !less(left, right, ">=");
}

}  // namespace imago::chat::jinja
