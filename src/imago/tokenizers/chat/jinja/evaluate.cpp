// The expressions.
#include <algorithm>

#include "imago/tokenizers/chat/jinja/builtins.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/interpreter.h"
#include "imago/tokenizers/chat/jinja/methods.h"
#include "imago/tokenizers/chat/jinja/operators.h"

namespace imago::chat::jinja {
namespace {

// Evaluation recurses for every level of an expression and every call; half a megabyte of stack at the most.
constexpr int kMaxEvaluationDepth = 2000;

}  // namespace

Value Interpreter::evaluate(const Expression& e) {
  budget_.spend(1);
  if (depth_ >= kMaxEvaluationDepth) limit_exceeded("the template's expressions and calls are nested too deeply");
  struct Nesting {
    int& depth;
    explicit Nesting(int& d) : depth(d) { ++depth; }
    ~Nesting() { --depth; }
  } nesting(depth_);
  position_ = e.position;
  return evaluate_kind(e);
}

Value Interpreter::evaluate_kind(const Expression& e) {
  switch (e.kind) {
    case ExpressionKind::kConstant: return e.constant;
    case ExpressionKind::kName: return evaluate_name(e);
    case ExpressionKind::kList: return Value::list(evaluate_all(e.operands));
    case ExpressionKind::kTuple: return Value::tuple(evaluate_all(e.operands));
    case ExpressionKind::kDict: return evaluate_dict(e);
    case ExpressionKind::kNot: return !truthy(evaluate(*e.operands[0]));
    case ExpressionKind::kConcat: return evaluate_concatenation(e);
    case ExpressionKind::kCompare: return evaluate_comparison(e);
    case ExpressionKind::kConditional: return evaluate_conditional(e);
    case ExpressionKind::kSubscript: return evaluate_subscript(e);
    case ExpressionKind::kCall: return evaluate_call(e);
    case ExpressionKind::kFilter: return evaluate_filter(e);
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr: {
      Value left = evaluate(*e.operands[0]);
      return truthy(left) == (e.kind == ExpressionKind::kOr) ? left : evaluate(*e.operands[1]);
    }
    case ExpressionKind::kAttribute: {
      Value object = evaluate(*e.operands[0]);
      position_ = e.position;
      return attribute(object, e.text);
    }
    case ExpressionKind::kTest: {
      Value value = evaluate(*e.operands[0]);
      Arguments arguments = evaluate_arguments(*e.arguments);
      position_ = e.position;
      return apply_test(e.text, value, std::move(arguments));
    }
    case ExpressionKind::kUnary: {
      Value value = evaluate(*e.operands[0]);
      position_ = e.position;
      return unary(e.operation, value);
    }
    case ExpressionKind::kBinary: {
      Value left = evaluate(*e.operands[0]), right = evaluate(*e.operands[1]);
      position_ = e.position;
      return binary(e.operation, left, right);
    }
    case ExpressionKind::kSlice: break;
  }
  type_error("a slice outside of a subscript");
}

Value Interpreter::evaluate_name(const Expression& e) {
  if (const Value* value = scope_->find(e.name)) return *value;
  const std::string& name = program_.names[e.name];
  if (std::optional<Value> global = find_global(name)) return *global;
  return Value::undefined_name(name);
}

std::vector<Value> Interpreter::evaluate_all(const std::vector<ExpressionPtr>& expressions) {
  std::vector<Value> values;
  values.reserve(expressions.size());
  for (const ExpressionPtr& expression : expressions) values.push_back(evaluate(*expression));
  return values;
}

Value Interpreter::evaluate_dict(const Expression& e) {
  auto dict = std::make_shared<Dict>();
  for (size_t i = 0; i + 1 < e.operands.size(); i += 2) {
    Value key = evaluate(*e.operands[i]);
    dict->set(std::move(key), evaluate(*e.operands[i + 1]));
  }
  return std::shared_ptr<const Dict>(std::move(dict));
}

Value Interpreter::evaluate_concatenation(const Expression& e) {
  Text text;
  for (const ExpressionPtr& operand : e.operands) {
    text.append(to_text(evaluate(*operand)));
    budget_.require(text.size());
  }
  return Value(std::move(text));
}

bool Interpreter::evaluate_comparison(const Expression& e) {
  Value left = evaluate(*e.operands[0]);
  for (size_t i = 0; i < e.comparisons.size(); ++i) {
    Value right = evaluate(*e.operands[i + 1]);
    position_ = e.position;
    if (!compare(e.comparisons[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::evaluate_conditional(const Expression& e) {
  if (truthy(evaluate(*e.operands[1]))) return evaluate(*e.operands[0]);
  if (e.operands[2] != nullptr) return evaluate(*e.operands[2]);
  return Value::undefined("the inline if-expression on line " + std::to_string(e.position.line) +
                          " evaluated to false and no else section was defined.");
}

Value Interpreter::evaluate_subscript(const Expression& e) {
  Value object = evaluate(*e.operands[0]);
  const Expression& key = *e.operands[1];
  if (key.kind == ExpressionKind::kSlice) {
    auto part = [&](size_t i) { return key.operands[i] != nullptr ? evaluate(*key.operands[i]) : Value(); };
    Slice bounds{part(0), part(1), part(2)};
    position_ = e.position;
    return slice(object, bounds);
  }
  Value index = evaluate(key);
  position_ = e.position;
  return subscript(object, index);
}

Arguments Interpreter::evaluate_arguments(const CallArguments& arguments) {
  Arguments result;
  result.positional = evaluate_all(arguments.positional);
  for (const auto& [name, value] : arguments.keywords) result.keywords.emplace_back(name, evaluate(*value));
  if (arguments.rest != nullptr) {
    for (Value& value : to_vector(evaluate(*arguments.rest))) result.positional.push_back(std::move(value));
  }
  if (arguments.rest_keywords != nullptr) {
    Value rest = evaluate(*arguments.rest_keywords);
    if (!rest.is_dict()) type_error("argument after ** must be a mapping, not " + std::string(type_name(rest)));
    for (const auto& [name, value] : rest.as_dict().items()) {
      if (!name.is_string()) type_error("keywords must be strings");
      result.keywords.emplace_back(name.bytes(), value);
    }
  }
  for (size_t i = 1; i < result.keywords.size(); ++i) {
    auto end = result.keywords.begin() + static_cast<std::ptrdiff_t>(i);
    budget_.spend(static_cast<int64_t>(i / 16));
    bool repeated = std::any_of(result.keywords.begin(), end, [&](const auto& k) { return k.first == end->first; });
    if (repeated) type_error("got multiple values for keyword argument '" + end->first + "'");
  }
  return result;
}

Value Interpreter::evaluate_call(const Expression& e, Value caller) {
  const Expression& callee = *e.operands[0];
  // The method of a plain value is called without making a bound method first.
  Value object;
  Method method = nullptr;
  if (callee.kind == ExpressionKind::kAttribute) {
    object = evaluate(*callee.operands[0]);
    if (object.is_string()) method = find_string_method(callee.text);
    if (object.is_dict()) method = find_dict_method(callee.text);
    position_ = callee.position;
    if (method == nullptr) object = attribute(object, callee.text);
  } else {
    object = evaluate(callee);
  }
  Arguments arguments = evaluate_arguments(*e.arguments);
  if (!caller.is_none()) arguments.keywords.emplace_back("caller", std::move(caller));
  position_ = e.position;
  return method != nullptr ? method(*this, object, std::move(arguments)) : call(object, std::move(arguments));
}

Value Interpreter::call(const Value& callee, Arguments arguments) {
  require_defined(callee);
  auto* callable = callee.as<Callable>();
  if (callable == nullptr) type_error("'" + std::string(type_name(callee)) + "' object is not callable");
  std::shared_ptr<Object> alive = callee.as_object();
  return callable->call(*this, std::move(arguments));
}

Value Interpreter::evaluate_filter(const Expression& e) {
  Value value = e.operands[0] != nullptr ? evaluate(*e.operands[0]) : std::exchange(block_input_, {});
  Arguments arguments = evaluate_arguments(*e.arguments);
  position_ = e.position;
  return apply_filter(e.text, value, std::move(arguments));
}

Value Interpreter::apply_filter(const std::string& name, const Value& value, Arguments arguments) {
  return find_filter(name)(*this, value, std::move(arguments));
}

bool Interpreter::apply_test(const std::string& name, const Value& value, Arguments arguments) {
  return find_test(name)(*this, value, std::move(arguments));
}

}  // namespace imago::chat::jinja
