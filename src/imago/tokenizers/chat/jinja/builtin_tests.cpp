// The tests behind `is`.
#include "imago/tokenizers/chat/jinja/builtins.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/operators.h"
#include "imago/tokenizers/chat/jinja/string_predicates.h"

namespace imago::chat::jinja {
namespace {

using Predicate = bool (*)(const Value&);

template <bool (*kPredicate)(const Value&)>
bool one(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("this test", {}, 0, std::move(arguments));
  return kPredicate(value);
}

template <Operator kOperator>
bool comparison(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("this test", {"other"}, 1, std::move(arguments));
  return compare(kOperator, value, args[0]);
}

Value remainder(const Value& value, const Value& divisor) { return binary(Operator::kModulo, value, divisor); }

bool divisible_by(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("divisibleby", {"num"}, 1, std::move(arguments));
  return equals(remainder(value, args[0]), Value(0));
}

bool same_as(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("sameas", {"other"}, 1, std::move(arguments));
  return value.is_identical(args[0]);
}

bool is_callable(const Value& value) {
  // Undefined has a __call__, which raises.
  return value.is_undefined() || (value.is_object() && value.as_object()->callable());
}

bool is_sequence(const Value& value) {
  return value.is_undefined() || value.is_string() || value.is_sequence() || value.is_dict() ||
         value.as<Range>() != nullptr;
}

struct NamedTest {
  std::string_view name;
  Test test;
};

constexpr NamedTest kTests[] = {
    {"!=", comparison<Operator::kNotEqual>},
    {"<", comparison<Operator::kLess>},
    {"<=", comparison<Operator::kLessEqual>},
    {"==", comparison<Operator::kEqual>},
    {">", comparison<Operator::kGreater>},
    {">=", comparison<Operator::kGreaterEqual>},
    {"boolean", one<[](const Value& v) { return v.is_bool(); }>},
    {"callable", one<is_callable>},
    {"defined", one<[](const Value& v) { return !v.is_undefined(); }>},
    {"divisibleby", divisible_by},
    {"eq", comparison<Operator::kEqual>},
    {"equalto", comparison<Operator::kEqual>},
    {"escaped", one<[](const Value& v) { return v.is_string() && v.as_string().safe(); }>},
    {"even", one<[](const Value& v) { return equals(remainder(v, Value(2)), Value(0)); }>},
    {"false", one<[](const Value& v) { return v.is_bool() && !v.as_bool(); }>},
    {"filter", one<[](const Value& v) { return hash(v), v.is_string() && filter_exists(v.bytes()); }>},
    {"float", one<[](const Value& v) { return v.is_float(); }>},
    {"ge", comparison<Operator::kGreaterEqual>},
    {"greaterthan", comparison<Operator::kGreater>},
    {"gt", comparison<Operator::kGreater>},
    {"in", comparison<Operator::kIn>},
    {"integer", one<[](const Value& v) { return v.is_int() || v.is_large(); }>},
    {"iterable", one<is_iterable>},
    {"le", comparison<Operator::kLessEqual>},
    {"lessthan", comparison<Operator::kLess>},
    {"lower", one<[](const Value& v) { return is_lower_text(to_text(v).bytes()); }>},
    {"lt", comparison<Operator::kLess>},
    {"mapping", one<[](const Value& v) { return v.is_dict(); }>},
    {"ne", comparison<Operator::kNotEqual>},
    {"none", one<[](const Value& v) { return v.is_none(); }>},
    {"number", one<[](const Value& v) { return v.is_number(); }>},
    {"odd", one<[](const Value& v) { return equals(remainder(v, Value(2)), Value(1)); }>},
    {"sameas", same_as},
    {"sequence", one<is_sequence>},
    {"string", one<[](const Value& v) { return v.is_string(); }>},
    {"test", one<[](const Value& v) { return hash(v), v.is_string() && test_exists(v.bytes()); }>},
    {"true", one<[](const Value& v) { return v.is_bool() && v.as_bool(); }>},
    {"undefined", one<[](const Value& v) { return v.is_undefined(); }>},
    {"upper", one<[](const Value& v) { return is_upper_text(to_text(v).bytes()); }>},
};

}  // namespace

bool test_exists(std::string_view name) {
  for (const NamedTest& test : kTests) {
    if (test.name == name) return true;
  }
  return false;
}

Test find_test(const std::string& name) {
  for (const NamedTest& test : kTests) {
    if (test.name == name) return test.test;
  }
  fail("TemplateRuntimeError", "No test named '" + name + "' found.");
}

}  // namespace imago::chat::jinja
